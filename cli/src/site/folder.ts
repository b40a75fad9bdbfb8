import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { isOwned } from '@psa/infra/owner-lock';
import { CliError } from '../errors.ts';
import { withLock } from '../lock.ts';

/** Secrets of a site: name → value. */
export type SecretRecord = Readonly<Record<string, string>>;

/** What psactl keeps about a site, beside the inventory: `.psactl/<site>/`. */
export class SiteFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Path of a file in it. */
  file(...names: string[]): string {
    return join(this.path, ...names);
  }

  /** Makes the folder, for its owner alone. */
  async make(): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
  }

  /**
   * Runs `work` while no other psactl changes this site. A holder that was killed does not count.
   * @param what stands in the message of whoever comes second, as in `psactl apply`
   * @throws with exit code 11 at once when another one holds it
   */
  async locked<T>(what: string, work: () => Promise<T>): Promise<T> {
    await this.make();
    const holder = this.file('lock.holder');
    try {
      return await withLock(this.file('lock'), 0, 'the site', async () => {
        const who = `${what} (process ${process.pid} of ${userInfo().username} on ${hostname()}, since ${new Date().toISOString()})`;
        await writeFile(holder, who, { mode: 0o600 });
        try {
          return await work();
        } finally {
          await rm(holder, { force: true });
        }
      });
    } catch (error) {
      if (!(error instanceof CliError) || error.outcome !== 'locked') throw error;
      const who = await this.#holder();
      throw new CliError('Unable to change the site: another psactl is at work on it.', {
        outcome: 'locked',
        why: who === '' ? (error.why ?? '') : `It is held by ${who}.`,
        fix: 'Wait until it has ended, then run this again.',
      });
    }
  }

  /** Who changes this site just now; null when nobody does. */
  async holder(): Promise<string | null> {
    return (await isOwned(this.file('lock'))) ? (await this.#holder()) || 'another psactl' : null;
  }

  /** What the last one to hold the lock wrote of itself. */
  async #holder(): Promise<string> {
    return (await readFile(this.file('lock.holder'), 'utf8').catch(() => '')).trim();
  }

  /** The secrets that are there; none at all when there is no file yet. */
  async secrets(): Promise<SecretRecord> {
    const path = this.file('secrets.json');
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
      throw error;
    }
    try {
      return JSON.parse(text) as SecretRecord;
    } catch (cause) {
      throw new CliError(`Unable to read the secrets of the site in ${path}.`, {
        why: (cause as Error).message,
        fix: 'Put back the last good copy of the file: new secrets would lock you out of the data.',
        cause,
      });
    }
  }

  /** Replaces the secrets, whole or not at all. Call it with the lock held. */
  async writeSecrets(secrets: SecretRecord): Promise<void> {
    await this.make();
    await writeWhole(this.file('secrets.json'), `${JSON.stringify(secrets, null, 2)}\n`, 0o600);
  }
}

/** Writes a file so that a reader, or a crash at any time, finds the old one or the new one. */
export async function writeWhole(path: string, content: string, mode: number): Promise<void> {
  const next = `${path}.${randomBytes(6).toString('hex')}.new`;
  try {
    const file = await open(next, 'wx', mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    // The umask may have taken bits away.
    await chmod(next, mode);
    await rename(next, path);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  }
}
