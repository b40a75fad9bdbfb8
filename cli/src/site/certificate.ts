import { execFile } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CliError } from '../errors.ts';
import type { SiteFolder } from './folder.ts';

/** A certificate as a list shows it. */
export interface CertificateInfo {
  readonly name: string;
  readonly subject: string;
  readonly issuer: string;
  readonly names: readonly string[];
  readonly until: string;
  readonly days: number;
  readonly state: 'ok' | 'soon' | 'expired';
}

const DAY_MS = 86_400_000;
/** From here on people are told. */
export const SOON_DAYS = 30;
/** What browsers accept at most. */
const EDGE_DAYS = 397;
const CA_DAYS = 3650;

const nameOf = (text: string) => /(?:^|\n)CN=(.+)/.exec(text)?.[1] ?? text.replaceAll('\n', ', ');

/** The first certificate of a PEM. @throws when there is none */
export function describeCertificate(name: string, pem: string, now = Date.now()): CertificateInfo {
  const certificate = new X509Certificate(pem);
  const days = Math.floor((certificate.validToDate.getTime() - now) / DAY_MS);
  return {
    name,
    subject: nameOf(certificate.subject),
    issuer: nameOf(certificate.issuer),
    names: (certificate.subjectAltName ?? '')
      .split(', ')
      .filter(Boolean)
      .map((one) => one.replace(/^(DNS|IP Address):/, '')),
    until: certificate.validToDate.toISOString(),
    days,
    state: days < 0 ? 'expired' : days < SOON_DAYS ? 'soon' : 'ok',
  };
}

/**
 * Certificate, chain and key in one PEM, as HAProxy reads it, from what people have.
 * @throws when the parts do not belong together, the certificate has ended, or is not for the domain
 */
export function edgePem(text: string, domain: string, now = Date.now()): string {
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  const key = /-----BEGIN ([A-Z ]*PRIVATE KEY)-----[\s\S]+?-----END \1-----/.exec(text)?.[0];
  const [first] = certificates;
  if (!first || !key)
    throw unusable(
      first ? 'There is no private key in it.' : 'There is no certificate in it.',
      'Put certificate, chain and key into one PEM file, or give the key with --key.',
    );
  const certificate = parsed(
    'Its first certificate is damaged',
    'Give the PEM file as the authority sent it.',
    () => new X509Certificate(first),
  );
  const fits = parsed('Its key cannot be read', 'Give the key without a passphrase.', () =>
    certificate.checkPrivateKey(createPrivateKey(key)),
  );
  const wrong = !fits
    ? 'The key is not that of the certificate.'
    : certificate.validToDate.getTime() < now
      ? `It ended on ${certificate.validToDate.toISOString().slice(0, 10)}.`
      : certificate.validFromDate.getTime() > now + DAY_MS
        ? `It begins on ${certificate.validFromDate.toISOString().slice(0, 10)}.`
        : certificate.checkHost(domain) === undefined
          ? `It is for ${certificate.subjectAltName ?? nameOf(certificate.subject)}, not for ${domain}.`
          : null;
  if (wrong !== null) throw unusable(wrong, 'Give one for the domain of the inventory.');
  return `${[...certificates, key].join('\n')}\n`;
}

const unusable = (why: string, fix: string, cause?: unknown) =>
  new CliError('Unable to use this certificate.', { outcome: 'usage', why, fix, cause });

/** What OpenSSL reads. @throws CliError with what OpenSSL says, after `what` */
function parsed<T>(what: string, fix: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw unusable(`${what}: ${(cause as Error).message}.`, fix, cause);
  }
}

/** A certificate for the edge, signed by itself, with its key: until people give one of an authority. */
export async function selfSignedEdge(domain: string, addresses: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'psa-certificate-'));
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  try {
    await openssl(
      ...['req', '-x509', ...NEW_KEY, '-days', String(EDGE_DAYS), '-subj', `/CN=${domain}`],
      ...['-keyout', key, '-out', certificate, '-addext', `subjectAltName=${namesOf(domain, addresses)}`],
      ...['-addext', 'extendedKeyUsage=serverAuth'],
    );
    return `${await readFile(certificate, 'utf8')}${await readFile(key, 'utf8')}`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-sha256'];
const namesOf = (domain: string, addresses: readonly string[]) =>
  [`DNS:${domain}`, ...addresses.map((one) => `IP:${one}`)].join(',');

/** A certificate of psactl's own authority, which is made on first use and kept in the site's folder. */
export async function issueEdge(
  folder: SiteFolder,
  domain: string,
  addresses: readonly string[],
): Promise<string> {
  const ca = await authority(folder, domain);
  const work = await mkdtemp(join(tmpdir(), 'psa-edge-'));
  const at = (name: string) => join(work, name);
  try {
    await openssl(
      ...['req', '-new', ...NEW_KEY],
      ...['-subj', `/CN=${domain}`, '-keyout', at('key.pem'), '-out', at('request.pem')],
    );
    await writeFile(
      at('extensions'),
      `subjectAltName=${namesOf(domain, addresses)}\nextendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\nbasicConstraints=CA:FALSE\n`,
    );
    await openssl(
      ...['x509', '-req', '-in', at('request.pem'), '-CA', ca.certificate, '-CAkey', ca.key, '-sha256'],
      ...['-days', String(EDGE_DAYS), '-extfile', at('extensions'), '-out', at('certificate.pem')],
      ...[
        '-set_serial',
        `0x${Buffer.from(crypto.getRandomValues(new Uint8Array(15)))
          .toString('hex')
          .replace(/^/, '1')}`,
      ],
    );
    const parts = [at('certificate.pem'), ca.certificate, at('key.pem')];
    return (await Promise.all(parts.map((part) => readFile(part, 'utf8')))).join('');
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Where the authority's certificate stands: what browsers are to trust. */
export const authorityFile = (folder: SiteFolder) => folder.file('certs', 'ca.pem');

async function authority(folder: SiteFolder, domain: string) {
  const certificate = authorityFile(folder);
  const key = folder.file('certs', 'ca.key');
  const isThere = await access(certificate).then(
    () => true,
    () => false,
  );
  if (isThere) return { certificate, key };
  const next = folder.file('certs.new');
  await rm(next, { recursive: true, force: true });
  await mkdir(next, { recursive: true, mode: 0o700 });
  await openssl(
    ...['req', '-x509', ...NEW_KEY],
    ...['-days', String(CA_DAYS), '-subj', `/CN=PSA-Platform ${domain} authority`],
    ...[
      '-addext',
      'basicConstraints=critical,CA:TRUE,pathlen:0',
      '-addext',
      'keyUsage=critical,keyCertSign,cRLSign',
    ],
    ...['-keyout', join(next, 'ca.key'), '-out', join(next, 'ca.pem')],
  );
  // Both or none: a key that does not fit its certificate signs nothing.
  await rm(folder.file('certs'), { recursive: true, force: true });
  await rename(next, folder.file('certs'));
  return { certificate, key };
}

async function openssl(...args: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)('openssl', [...args]);
  } catch (cause) {
    const { code, stderr, message } = cause as NodeJS.ErrnoException & { stderr?: string };
    throw new CliError('Unable to make a certificate.', {
      why: stderr?.trim().split('\n').at(-1) || message,
      fix:
        code === 'ENOENT'
          ? 'Install openssl: apt-get install -y openssl'
          : 'Give a certificate of your own: psactl certs install',
      cause,
    });
  }
}
