import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from './folder.ts';
import type { RolloutJournal } from './rollout-journal.ts';

/**
 * Which release each service runs, as far as psactl brought it there: `<folder>/releases.json`,
 * `{ "gateway": "0.2.0", … }`. `deploy` and `rollback` write it at their end, so that the inventory's
 * `releases.version` stays what a new appliance begins with. `plan` reads it: what runs by a deploy is no drift. A
 * service that the file does not name runs `releases.version`.
 */
export type Deployed = Readonly<Record<string, string>>;

/** The deployed releases; empty when nothing was deployed yet. `folder` is the site's folder of psactl. */
export async function readDeployed(folder: string): Promise<Deployed> {
  const text = await readFile(join(folder, 'releases.json'), 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return '{}';
    throw error;
  });
  return JSON.parse(text) as Deployed;
}

/** Writes the releases of these services; those of the others stay. */
export async function writeDeployed(folder: string, changed: Deployed): Promise<void> {
  const all = { ...(await readDeployed(folder)), ...changed };
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const text = JSON.stringify(Object.fromEntries(Object.entries(all).sort()), null, 2);
  await writeWhole(
    join(folder, 'releases.json'),
    `${text}
`,
    0o644,
  );
}

/** One rollout that came to its end. */
export interface HistoryEntry {
  readonly id: string;
  readonly at: string;
  readonly action: RolloutJournal['action'];
  readonly outcome: 'done' | 'rolled_back' | 'failed';
  /** Service → release before. */
  readonly from: Deployed;
  /** Service → release that was wanted. */
  readonly to: Deployed;
  readonly reason: string | null;
  readonly seconds: number;
  /** The dump of the database that was made before. */
  readonly backup: string | null;
}

/** Adds a line to `<folder>/history.jsonl`. */
export async function addHistory(folder: string, entry: HistoryEntry): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await appendFile(join(folder, 'history.jsonl'), `${JSON.stringify(entry)}\n`);
}

/** All of the history, oldest first. A line that a kill cut short is left out. */
export async function readHistory(folder: string): Promise<readonly HistoryEntry[]> {
  const text = await readFile(join(folder, 'history.jsonl'), 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as HistoryEntry];
    } catch {
      return [];
    }
  });
}
