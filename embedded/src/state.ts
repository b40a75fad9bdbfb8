import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';

/** What must not change between two starts on the same data; made by the first one. */
export interface State {
  /** Password of the services' database roles. */
  readonly role_password: string;
  /** Encrypts fields; `id:hex`, as the services take it. */
  readonly field_keys: string;
  /** What the first start was asked for; later ones do not put demo data among real ones. */
  readonly mode: 'demo' | 'empty';
  /** The password that the demo accounts have now. */
  readonly demo_password: string | null;
  readonly demo_complete: boolean;
  /** When the demo data were begun. They are told from then, also by a start that finishes what another began. */
  readonly demo_began?: string;
}

const fileOf = (dataDir: string) => join(dataDir, 'secrets.json');

/** Reads the state, or makes and stores it. @throws when the file is there and cannot be read */
export async function loadState(dataDir: string, first: Pick<State, 'mode'>): Promise<State> {
  let text: string;
  try {
    text = await readFile(fileOf(dataDir), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const fresh: State = {
      role_password: randomBytes(24).toString('base64url'),
      field_keys: `k1:${randomBytes(32).toString('hex')}`,
      mode: first.mode,
      demo_password: null,
      demo_complete: false,
    };
    await saveState(dataDir, fresh);
    return fresh;
  }
  try {
    return JSON.parse(text) as State;
  } catch (cause) {
    throw new Error(
      `${fileOf(dataDir)} is damaged. It holds the keys of these data: put it back from a backup.`,
      { cause },
    );
  }
}

/** Replaces the file in one step, readable by its owner only. */
export async function saveState(dataDir: string, state: State): Promise<void> {
  await mkdir(dataDir, { recursive: true });
  const temporary = `${fileOf(dataDir)}.new`;
  const file = await open(temporary, 'w', 0o600);
  await file.writeFile(`${JSON.stringify(state, null, 2)}\n`);
  await file.sync();
  await file.close();
  await rename(temporary, fileOf(dataDir));
}
