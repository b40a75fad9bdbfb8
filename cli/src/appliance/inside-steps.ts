import { X509Certificate } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { connect } from 'node:tls';
import { contentsArchive } from '@psa/appliance/contents/archive';
import { contentsOf } from '@psa/appliance/contents/contents';
import type { DesiredContainer } from '@psa/appliance/plan/desired';
import type { Step } from '@psa/appliance/plan/step';
import { archiveFile } from '../deploy/archive.ts';
import { CliError } from '../errors.ts';
import type { SecretRecord } from './folder.ts';
import type { Hands } from './hands.ts';
import { type Member, partTrouble } from './health.ts';

/** Installs a container's files and starts its units. */
export async function configure(
  hands: Hands,
  step: Step,
  container: DesiredContainer,
  secrets: SecretRecord,
): Promise<void> {
  const { inventory, site } = hands.site;
  const { tar } = contentsArchive(contentsOf(inventory, site, container, secrets));
  await hands.must(container.id, ['psa-config', 'apply'], { stdin: tar, timeoutMs: 10 * 60_000 });
  // The next member's turn comes when this one is well again.
  if (step.rolling && container.kind === 'data') await waitForPart(hands, container.group);
}

export async function install(hands: Hands, container: DesiredContainer): Promise<void> {
  const version = container.release!;
  const installed = (await hands.must(container.id, ['psa-release', 'list'])).split(/\s+/);
  if (installed.includes(version)) return;
  const { releases } = hands.site.inventory;
  const file = archiveFile(hands.site.path(releases.directory), version);
  await hands.must(container.id, ['psa-release', 'install', version], {
    stdin: createReadStream(file),
    timeoutMs: 10 * 60_000,
  });
  await hands.exec(container.id, ['psa-release', 'prune', String(releases.keep)]);
}

/** Makes a release the current one. A service that runs takes it over at once. */
export async function switchRelease(hands: Hands, container: DesiredContainer): Promise<void> {
  const { id, group } = container;
  const version = container.release!;
  const { stdout } = await hands.exec(id, ['psa-release', 'current']);
  if (stdout.trim() !== version) await hands.must(id, ['psa-release', 'switch', version]);
  await hands.exec(id, ['systemctl', 'try-restart', `psa@${group}.service`]);
}

const READY = `
i=0
while [ $i -lt 20 ]; do
  code=$(curl -s -o /tmp/psa-ready -m 5 -w '%{http_code}' "http://127.0.0.1:$1/ready")
  [ "$code" = 200 ] && { rm -f /tmp/psa-ready; exit 0; }
  i=$((i+1)); sleep 0.5
done
echo "/ready answers $code $(head -c 300 /tmp/psa-ready 2>/dev/null)"
systemctl is-active --quiet "$2" || journalctl -q -n 5 -o cat -u "$2"
exit 1
`;

/** Answers when a service says that it is ready. */
export async function waitReady(hands: Hands, container: DesiredContainer): Promise<void> {
  const argv = ['sh', '-c', READY, 'ready', String(container.port), `psa@${container.group}.service`];
  await hands.until(container.name, 180_000, async () => {
    const { code, stdout, stderr } = await hands.exec(container.id, argv, { timeoutMs: 150_000 });
    return code === 0 ? null : stdout.trim() || stderr.trim() || `curl ends with ${code}`;
  });
}

/** Answers when a data part is well as a whole. */
export async function waitForPart(hands: Hands, part: string): Promise<void> {
  const { site, signal } = hands;
  await hands.until(part, 5 * 60_000, async () => {
    const members: Member[] = [];
    for (const container of site.containers.filter(({ group }) => group === part)) {
      const found = await hands.place(container.id);
      if (found?.status === 'running') members.push({ container, node: found.node });
    }
    return members.length === 0 ? 'none of its containers runs' : partTrouble(site, part, members, signal);
  });
}

/** A request from outside: through HAProxy to the gateway, and by the certificate that it was given. */
export async function smoke(hands: Hands, secrets: SecretRecord): Promise<void> {
  const { inventory, site } = hands.site;
  const url = new URL(site.portal ?? `https://${inventory.data.haproxy.virtual_address}`);
  await hands.until(`the portal at ${url.origin}`, 90_000, async () => {
    try {
      const { status, fingerprint } = await ask(url, inventory.domain, '/health', hands.signal);
      const expected = new X509Certificate(secrets.tls_pem ?? '').fingerprint256;
      if (fingerprint !== expected) return `it shows the certificate ${fingerprint}, not ${expected}`;
      return status === 200 ? null : `it answers ${status}`;
    } catch (error) {
      if (hands.signal.aborted) throw error;
      return (error as Error).message;
    }
  });
}

/** One HTTP/1.1 request over TLS; the certificate is compared by whoever asked. */
function ask(
  url: URL,
  domain: string,
  path: string,
  signal: AbortSignal,
): Promise<{ status: number; fingerprint: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...{ host: url.hostname, port: Number(url.port || 443), servername: domain },
      ...{ rejectUnauthorized: false, ALPNProtocols: ['http/1.1'], signal },
    });
    socket.setTimeout(10_000, () => socket.destroy(new Error('no answer within 10 s')));
    let text = '';
    let fingerprint = '';
    socket.once('secureConnect', () => {
      fingerprint = socket.getPeerCertificate().fingerprint256 ?? '';
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${domain}\r\nConnection: close\r\n\r\n`);
    });
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
      if (status === undefined) return;
      resolve({ status: Number(status), fingerprint });
      socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new CliError('The connection was closed without an answer.')));
  });
}
