import { existsSync, readFileSync } from 'node:fs';
import { link, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { ensureFile, syncFolder, writeDraft } from '@psa/infra/files/durable';
import { newSigningKey, parseSecretKey, type SigningKey, secretKeyText } from './minisign.ts';

type Env = Readonly<Record<string, string | undefined>>;

const inHome = (home: string) => join(home, '.config/psactl/signing.key');

/**
 * Where the builder's secret key stands: `PSA_SIGNING_KEY`, else in the home of who builds. Templates are built with
 * sudo, whose home is root's: the key of who called it is taken, where they have one.
 */
export function signingKeyFile(env: Env, passwd = '/etc/passwd'): string {
  if (env.PSA_SIGNING_KEY) return env.PSA_SIGNING_KEY;
  const home = env.SUDO_UID === undefined ? undefined : homeOf(env.SUDO_UID, passwd);
  return home !== undefined && existsSync(inHome(home)) ? inHome(home) : inHome(env.HOME || homedir());
}

const homeOf = (uid: string, passwd: string) =>
  readFileSync(passwd, 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[2] === uid)?.[5];

/** The key in a file; null when there is none. @throws when what is there is none */
export async function readSigningKey(file: string): Promise<SigningKey | null> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  try {
    return text === null ? null : parseSecretKey(text);
  } catch (error) {
    throw new Error(`Unable to sign with ${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** The key in a file, made where there is none. Of two that make it at once one wins, for both. */
export async function ensureSigningKey(file: string): Promise<{ key: SigningKey; isNew: boolean }> {
  const { content, isNew } = await ensureFile(file, readSigningKey, async () => {
    const key = newSigningKey();
    return { text: secretKeyText(key), content: key };
  });
  return { key: content, isNew };
}

/** Puts a new key in place of the one there, which is kept as `FILE.old`. */
export async function rotateSigningKey(file: string): Promise<SigningKey> {
  const made = newSigningKey();
  const draft = await writeDraft(file, secretKeyText(made));
  await rm(`${file}.old`, { force: true });
  await link(file, `${file}.old`);
  await rename(draft, file);
  await syncFolder(dirname(file));
  return made;
}
