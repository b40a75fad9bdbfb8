import { X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { Container } from '@psa/appliance/inventory/expand';
import { CliError } from '../errors.ts';
import type { Cluster } from './cluster.ts';

/** Something that every good release answers, without signing in. */
interface Smoke {
  readonly path: string;
  readonly status: number;
  /** Stands in the answer. */
  readonly has: string;
}

const PAGES: readonly Smoke[] = [
  { path: '/', status: 200, has: '<html' },
  { path: '/api/v1/openapi.json', status: 200, has: '"openapi"' },
];
/** A service without a token refuses, in the platform's own words. */
const REFUSAL: readonly Smoke[] = [{ path: '/api/v1/smoke-test', status: 404, has: '"error"' }];

interface Answered {
  readonly status: number;
  readonly body: string;
}

/** What is wrong with the answers; null when nothing is. */
async function smokeTrouble(
  smokes: readonly Smoke[],
  ask: (path: string) => Promise<Answered>,
): Promise<string | null> {
  for (const { path, status, has } of smokes) {
    const answer = await ask(path);
    if (answer.status !== status || !answer.body.includes(has))
      return `GET ${path} answered ${answer.status}, wanted ${status} with ${has}.`;
  }
  return null;
}

/** Asks a replica, inside its container. @throws CliError when it does not answer as every good release does */
export async function smokeReplica(cluster: Cluster, container: Container): Promise<void> {
  const { id, name, group } = container;
  const port = cluster.site.inventory.services.find((one) => one.name === group)!.port;
  const trouble = await smokeTrouble(group === 'gateway' ? PAGES : REFUSAL, async (path) => {
    const text = await cluster.must(id, [
      ...['curl', '-s', '-m', '10', '-H', 'X-Forwarded-Proto: https', '-w', '\n%{http_code}'],
      `http://127.0.0.1:${port}${path}`,
    ]);
    const end = text.lastIndexOf('\n');
    return { status: Number(text.slice(end + 1)), body: text.slice(0, end) };
  });
  if (trouble === null) return;
  throw new CliError(`Unable to use ${group} in ${name}: its test failed.`, { why: trouble });
}

/**
 * Asks from outside: through HAProxy to the gateway, and by the certificate that it was given.
 * @param pem the certificate of the edge
 */
export async function smokeEdge(cluster: Cluster, pem: string): Promise<void> {
  const { inventory, site } = cluster.site;
  const url = new URL(site.portal ?? `https://${inventory.data.haproxy.virtual_address}`);
  const expected = new X509Certificate(pem).fingerprint256;
  await cluster.until(`the portal at ${url.origin}`, 90_000, async () => {
    try {
      return await smokeTrouble(PAGES, async (path) => {
        const { fingerprint, ...answer } = await askEdge(url, inventory.domain, path, cluster.signal);
        if (fingerprint === expected) return answer;
        throw new Error(`it shows the certificate ${fingerprint}, not ${expected}`);
      });
    } catch (error) {
      if (cluster.signal.aborted) throw error;
      return (error as Error).message;
    }
  });
}

/**
 * One request over TLS; the certificate is compared by whoever asked.
 * @throws when nobody answers within ten seconds, or before the signal aborts
 */
export function askEdge(
  url: URL,
  domain: string,
  path: string,
  signal: AbortSignal,
): Promise<Answered & { readonly fingerprint: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({
      ...{ host: url.hostname, port: Number(url.port || 443), servername: domain, path, signal },
      ...{ headers: { host: domain }, rejectUnauthorized: false, agent: false, timeout: 10_000 },
    });
    sent.once('timeout', () => sent.destroy(new Error('no answer within 10 s')));
    sent.once('error', reject);
    sent.once('response', (response) => {
      const fingerprint = (response.socket as TLSSocket).getPeerCertificate().fingerprint256 ?? '';
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.once('error', reject);
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body, fingerprint }));
    });
    sent.end();
  });
}
