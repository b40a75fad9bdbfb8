import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { Deed, Step } from '@psa/appliance/plan/step';
import type { SiteFolder } from '../site/folder.ts';

/** A line of the journal. */
export interface JournalLine {
  readonly at: string;
  /** One run of psactl. */
  readonly run: string;
  readonly event: 'begin' | 'started' | 'task' | 'done' | 'failed' | 'end';
  /** Id of the step. */
  readonly step?: string;
  /** What it does; beside `started`. */
  readonly deed?: Deed;
  readonly upid?: string;
  readonly ms?: number;
  readonly text?: string;
}

const FILE = 'apply-journal.ndjson';
/** What it was called before. Nothing is added to it. */
const EARLIER = 'journal.ndjson';

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
    const file = openSync(folder.file(FILE), 'a', 0o600);
    // A line that a kill cut short ends here.
    writeSync(file, '\n');
    return new Journal(file);
  }

  /** Before a step is begun. */
  started({ id, deed }: Step): void {
    this.add({ event: 'started', step: id, deed });
  }

  /** When a step has started a task. */
  task({ id }: Step, upid: string): void {
    this.add({ event: 'task', step: id, upid });
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

/** All lines that are whole, oldest first; those of an earlier psactl come before. */
export function readJournal(folder: SiteFolder): readonly JournalLine[] {
  return [...linesOf(folder, EARLIER).map(withDeed), ...linesOf(folder, FILE)];
}

function linesOf(folder: SiteFolder, name: string): readonly JournalLine[] {
  let text: string;
  try {
    text = readFileSync(folder.file(name), 'utf8');
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

/** An earlier psactl wrote only the id of a step: `create:ct:300`. What was made and removed is all that is asked of it. */
function withDeed(line: JournalLine): JournalLine {
  const [, kind, id] = /^(create|replace|remove):ct:(\d+)$/.exec(line.step ?? '') ?? [];
  if (line.event !== 'started' || line.deed || id === undefined) return line;
  return { ...line, deed: { kind: kind as 'create' | 'replace' | 'remove', container: Number(id) } };
}

/**
 * Tasks that the last run started and did not see end: they may go on without it. Those of the runs before it were
 * waited for when it began.
 */
export function openTasks(lines: readonly JournalLine[]): readonly string[] {
  const open = new Map<string, string[]>();
  for (const { step, event, upid } of lines) {
    if (event === 'begin') open.clear();
    if (step === undefined) continue;
    if (event === 'task' && upid !== undefined) open.set(step, [...(open.get(step) ?? []), upid]);
    if (event === 'done' || event === 'failed') open.delete(step);
  }
  return [...open.values()].flat();
}

/** Containers that were made and not removed since. */
export function madeContainers(lines: readonly JournalLine[]): readonly number[] {
  const made = new Set<number>();
  const deeds = new Map<string, Deed>();
  for (const { step, event, deed } of lines) {
    if (step === undefined) continue;
    if (event === 'started' && deed) deeds.set(step, deed);
    const done = event === 'done' ? deeds.get(step) : undefined;
    if (done?.kind === 'create') made.add(done.container);
    if (done?.kind === 'remove' || done?.kind === 'replace') made.delete(done.container);
  }
  return [...made];
}

/** Containers whose creation began and was not seen to end. */
export function begunCreations(lines: readonly JournalLine[]): readonly number[] {
  const begun = new Map<string, number>();
  for (const { step, event, deed } of lines) {
    if (step === undefined) continue;
    if (event === 'started' && deed?.kind === 'create') begun.set(step, deed.container);
    if (event === 'done') begun.delete(step);
  }
  return [...begun.values()];
}
