import { execFile } from 'node:child_process';
import { randomUUID, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** The key pair of a node's API. */
export interface NodeCertificate {
  readonly key: string;
  readonly certificate: string;
  /** SHA-256, as the inventory pins it. */
  readonly fingerprint: string;
}

/** The certificate of a node, made when there is none. */
export async function nodeCertificate(
  dir: string,
  node: string,
  addresses: readonly string[],
): Promise<NodeCertificate> {
  const folder = join(dir, 'certificates');
  const keyFile = join(folder, `${node}.key`);
  const certificateFile = join(folder, `${node}.pem`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!existsSync(certificateFile)) {
    const names = [`DNS:${node}`, ...addresses.map((address) => `IP:${address}`)].join(',');
    const draft = `${certificateFile}.draft`;
    await exec('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3650'],
      ...['-subj', `/O=PSA lab/CN=${node}`, '-addext', `subjectAltName=${names}`],
      ...['-keyout', keyFile, '-out', draft],
    ]);
    renameSync(draft, certificateFile);
  }
  const certificate = readFileSync(certificateFile, 'utf8');
  return {
    key: readFileSync(keyFile, 'utf8'),
    certificate,
    fingerprint: new X509Certificate(certificate).fingerprint256,
  };
}

/** A pair of ssh keys, made when there is none. @returns the public one */
export async function sshKey(file: string, comment: string): Promise<string> {
  if (!existsSync(`${file}.pub`)) {
    mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 });
    rmSync(file, { force: true });
    await exec('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', file]);
  }
  return readFileSync(`${file}.pub`, 'utf8').trim();
}

/** The API token of psactl in the lab: `user@realm!name=secret`, made when there is none. */
export function apiToken(dir: string): {
  readonly userid: string;
  readonly name: string;
  readonly secret: string;
} {
  const file = join(dir, 'token');
  if (!existsSync(file)) writeFileSync(file, `psactl@pve!psactl=${randomUUID()}\n`, { mode: 0o600 });
  const [, userid, name, secret] =
    /^([^!\s]+)!([^=\s]+)=(\S+)$/.exec(readFileSync(file, 'utf8').trim()) ?? [];
  if (userid === undefined || name === undefined || secret === undefined)
    throw new Error(`Unable to use the token in ${file}: it is not of the form user@realm!name=secret.`);
  return { userid, name, secret };
}
