import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CliError } from '../errors.ts';

const run = promisify(execFile);

/** A certificate for the edge, signed by itself, with its key: until people give one of an authority. */
export async function edgeCertificate(domain: string, addresses: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'psa-certificate-'));
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const names = [`DNS:${domain}`, ...addresses.map((address) => `IP:${address}`)].join(',');
  try {
    await run('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-sha256'],
      ...['-days', '397', '-subj', `/CN=${domain}`, '-keyout', key, '-out', certificate],
      ...['-addext', `subjectAltName=${names}`, '-addext', 'extendedKeyUsage=serverAuth'],
    ]);
    return `${await readFile(certificate, 'utf8')}${await readFile(key, 'utf8')}`;
  } catch (cause) {
    throw new CliError('Unable to make a certificate for the edge.', {
      why: (cause as { stderr?: string }).stderr?.trim() || (cause as Error).message,
      fix: 'Install openssl, or give a certificate of your own: psactl certs',
      cause,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
