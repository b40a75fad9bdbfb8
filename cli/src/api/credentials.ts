import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CliError } from '../errors.ts';
import { withLock } from '../lock.ts';

/** What `psactl login` keeps for one address. */
export interface Session {
  readonly email: string;
  readonly access_token: string;
  readonly refresh_token: string;
  /** Of the access token; Unix ms. */
  readonly expires_at: number;
}

interface File {
  psactl: 1;
  sessions: Record<string, Session>;
}

export interface CredentialStore {
  readonly path: string;
  load(url: string): Promise<Session | null>;
  /** Changes the session of an address while no other psactl does; null forgets it. @returns what is stored now. */
  update(url: string, change: (current: Session | null) => Promise<Session | null>): Promise<Session | null>;
}

/** `$XDG_CONFIG_HOME/psactl`, else `~/.config/psactl`. */
export function configDir(env: Readonly<Record<string, string | undefined>>): string {
  return join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'psactl');
}

/** Sessions per address in one file that only its owner may read. */
export function credentialStore(env: Readonly<Record<string, string | undefined>>): CredentialStore {
  const dir = configDir(env);
  const path = join(dir, 'credentials.json');

  async function read(): Promise<File> {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { psactl: 1, sessions: {} };
      throw error;
    }
    try {
      const file = JSON.parse(text) as File;
      if (file.psactl === 1 && typeof file.sessions === 'object') return file;
    } catch {
      // Falls through: the same advice fits every damage.
    }
    throw new CliError(`Unable to read ${path}: it is not a file that psactl wrote.`, {
      fix: 'Remove it and run "psactl login".',
    });
  }

  /** Replaced in one step: a reader sees the old sessions or the new, never half a file. */
  async function write(file: File): Promise<void> {
    const part = `${path}.${randomUUID()}`;
    await writeFile(part, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
    await rename(part, path);
  }

  return {
    path,
    load: async (url) => (await read()).sessions[url] ?? null,
    async update(url, change) {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      await chmod(dir, 0o700);
      return withLock(join(dir, 'credentials.lock'), 20_000, 'the stored sessions', async () => {
        const file = await read();
        const before = file.sessions[url] ?? null;
        const after = await change(before);
        if (after === before) return after;
        if (after) file.sessions[url] = after;
        else delete file.sessions[url];
        await write(file);
        return after;
      });
    },
  };
}
