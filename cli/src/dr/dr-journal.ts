import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { MeasuredStep, StepKind } from '@psa/recovery/dr/step';
import type { SiteFolder } from '../site/folder.ts';

/** A line of the journal. */
export interface DrLine {
  readonly at: string;
  /** One failover or failback, over however many runs of psactl. */
  readonly run: string;
  readonly event: 'begin' | 'again' | 'started' | 'done' | 'failed' | 'end';
  /** What is done: a scenario, or `failback`; beside `begin`. */
  readonly what?: string;
  /** Ids of the copies that it takes; beside `begin`. */
  readonly copies?: readonly string[];
  readonly step?: string;
  readonly ms?: number;
  /** Bytes that the step moved. */
  readonly bytes?: number;
  readonly text?: string;
  /** Whether the database that follows takes over, where there is one; beside `begin`. */
  readonly warm?: boolean;
  /** The database has what was written until then; ISO 8601. */
  readonly until?: string;
}

const FILE = 'dr-journal.ndjson';

/** What is done to move the platform, line by line on the disk before it is done: whoever comes after a kill goes on. */
export class DrJournal {
  readonly run: string;
  readonly #file: number;

  private constructor(file: number, run: string) {
    this.#file = file;
    this.run = run;
  }

  /** Opens the journal of a site to add to it. @param run the one to go on with; null: a new one */
  static async open(folder: SiteFolder, run: string | null): Promise<DrJournal> {
    await folder.make();
    const file = openSync(folder.file(FILE), 'a', 0o600);
    // A line that a kill cut short ends here.
    writeSync(file, '\n');
    return new DrJournal(file, run ?? randomBytes(4).toString('hex'));
  }

  add(line: Omit<DrLine, 'at' | 'run'>): void {
    const whole: DrLine = { at: new Date().toISOString(), run: this.run, ...line };
    writeSync(this.#file, `${JSON.stringify(whole)}\n`);
    fsyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** All lines that are whole, oldest first. */
export function readDrJournal(folder: SiteFolder): readonly DrLine[] {
  let text: string;
  try {
    text = readFileSync(folder.file(FILE), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as DrLine];
    } catch {
      return [];
    }
  });
}

/** A failover or failback that has begun and not ended. */
export interface Unfinished {
  readonly run: string;
  readonly what: string;
  readonly since: string;
  readonly copies: readonly string[];
  /** Ids of the steps that are done. */
  readonly done: ReadonlySet<string>;
  /** Whether the database that follows was to take over; null: there was none. */
  readonly warm: boolean | null;
  /** What it has was written until then; ISO 8601, null: it is not known yet. */
  readonly until: string | null;
  /** What they said, by their ids. */
  readonly said: Readonly<Record<string, string>>;
}

/** The last one, when it did not come to its end; null: nothing is left open. */
export function unfinished(lines: readonly DrLine[]): Unfinished | null {
  const begin = lines.findLast(({ event }) => event === 'begin');
  if (!begin) return null;
  const own = lines.filter(({ run }) => run === begin.run);
  // Looking changes nothing: what ended there was never begun.
  const isBegun = own.some(({ event, step }) => event === 'started' && step !== 'look');
  if (!isBegun || own.some(({ event }) => event === 'end')) return null;
  const done = own.flatMap(({ event, step }) => (event === 'done' && step !== undefined ? [step] : []));
  const said = own.flatMap(({ event, step, text }) =>
    event === 'done' && step !== undefined && text !== undefined ? [[step, text]] : [],
  );
  return {
    said: Object.fromEntries(said) as Record<string, string>,
    ...{ run: begin.run, what: begin.what ?? '', since: begin.at, copies: begin.copies ?? [] },
    done: new Set(done),
    ...{ warm: begin.warm ?? null, until: own.findLast(({ until }) => until !== undefined)?.until ?? null },
  };
}

/** What steps took, the newest first; those of which a kill hid the end are not among them. */
export const measuredSteps = (lines: readonly DrLine[]): readonly MeasuredStep[] =>
  lines
    .flatMap(({ event, step, ms, bytes }) =>
      event === 'done' && step !== undefined && ms !== undefined
        ? [{ step: step as StepKind, ms, bytes: bytes ?? null }]
        : [],
    )
    .toReversed();
