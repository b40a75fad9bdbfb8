import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { SiteFolder } from './folder.ts';

/** A line of the journal. */
export interface JournalLine {
  readonly at: string;
  /** One run of psactl. */
  readonly run: string;
  readonly event: 'begin' | 'started' | 'task' | 'done' | 'failed' | 'end';
  readonly step?: string;
  readonly upid?: string;
  readonly ms?: number;
  readonly text?: string;
}

/** What is done to a site, line by line: written before it is done, so that whoever comes after a kill knows. */
export class Journal {
  readonly #file: number;
  readonly #run = randomBytes(4).toString('hex');

  private constructor(file: number) {
    this.#file = file;
  }

  /** Opens the journal of a site to add to it. Call it with the lock held. */
  static async open(folder: SiteFolder): Promise<Journal> {
    await folder.make();
    const file = openSync(folder.file('journal.ndjson'), 'a', 0o600);
    // A line that a kill cut short ends here.
    writeSync(file, '\n');
    return new Journal(file);
  }

  add(line: Omit<JournalLine, 'at' | 'run'>): void {
    const whole = { at: new Date().toISOString(), run: this.#run, ...line };
    writeSync(this.#file, `${JSON.stringify(whole)}\n`);
    // What is to be found after a power cut must be on the disk before the cluster is told.
    if (line.event === 'started' || line.event === 'task') fsyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** All lines that are whole, oldest first. */
export function readJournal(folder: SiteFolder): readonly JournalLine[] {
  let text: string;
  try {
    text = readFileSync(folder.file('journal.ndjson'), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as JournalLine];
    } catch {
      return [];
    }
  });
}

/** Tasks that a run started and did not see end: they may go on without it. */
export function openTasks(lines: readonly JournalLine[]): readonly string[] {
  const open = new Map<string, string[]>();
  for (const { step, event, upid } of lines) {
    if (step === undefined) continue;
    if (event === 'task' && upid !== undefined) open.set(step, [...(open.get(step) ?? []), upid]);
    if (event === 'done' || event === 'failed') open.delete(step);
  }
  return [...open.values()].flat();
}

/** Containers whose creation began and was not seen to end. */
export function begunCreations(lines: readonly JournalLine[]): readonly number[] {
  const begun = new Set<number>();
  for (const { step, event } of lines) {
    const id = Number(/^create:ct:(\d+)$/.exec(step ?? '')?.[1]);
    if (!Number.isInteger(id)) continue;
    if (event === 'started') begun.add(id);
    if (event === 'done') begun.delete(id);
  }
  return [...begun];
}
