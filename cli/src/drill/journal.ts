import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { isOwned, takeOwnerLock } from '@psa/infra/owner-lock';
import type { DrillRecord, DrillResult, DrillStep } from '@psa/recovery/drill';
import { CliError } from '../errors.ts';
import type { Progress } from '../progress.ts';
import { type SiteFolder, writeWhole } from '../site/folder.ts';

/** Reports that stay; a drill a week makes so many in two years. */
const KEPT = 104;
const FOLDER = 'drills';

const fileOf = (folder: SiteFolder, id: string) => folder.file(FOLDER, `${id}.json`);
const ownerOf = (folder: SiteFolder, id: string) => folder.file(FOLDER, `${id}.owner`);

/** The journal of a drill that is at work: on the disk after each step, so that what a kill leaves says how far it came. */
export class DrillJournal {
  readonly #folder: SiteFolder;
  readonly #progress: Progress;
  readonly #release: () => Promise<void>;
  #record: DrillRecord;

  private constructor(
    folder: SiteFolder,
    record: DrillRecord,
    progress: Progress,
    release: () => Promise<void>,
  ) {
    this.#folder = folder;
    this.#record = record;
    this.#progress = progress;
    this.#release = release;
  }

  /** Begins a journal. Call it with the lock of drills held, and `close` it. */
  static async begin(folder: SiteFolder, record: DrillRecord, progress: Progress): Promise<DrillJournal> {
    await folder.make();
    await mkdir(folder.file(FOLDER), { recursive: true, mode: 0o700 });
    for (const id of (await drillIds(folder)).slice(KEPT - 1)) await rm(fileOf(folder, id), { force: true });
    const release = await takeOwnerLock(ownerOf(folder, record.id));
    const journal = new DrillJournal(folder, record, progress, release);
    await journal.#save();
    return journal;
  }

  get record(): DrillRecord {
    return this.#record;
  }

  /** Does a step, and writes down when it began, how long it took, and why it failed. */
  async step<T>(of: string | null, step: string, work: () => Promise<T>): Promise<T> {
    const at = new Date();
    const began = performance.now();
    this.#progress.start(of === null ? step : `${of}: ${step}`);
    const done = (why: string | null): DrillStep => ({
      ...{ of, step, at: at.toISOString(), duration_ms: Math.round(performance.now() - began), why },
    });
    try {
      const result = await work();
      await this.#change({ steps: [...this.#record.steps, done(null)] });
      return result;
    } catch (error) {
      await this.#change({ steps: [...this.#record.steps, done(reasonOf(error))] });
      throw error;
    }
  }

  /** Before it is made: whoever comes after a kill knows which ids were meant. */
  async takes(id: number): Promise<void> {
    await this.#change({ ids: [...new Set([...this.#record.ids, id])] });
  }

  async result(result: DrillResult): Promise<void> {
    await this.#change({ results: [...this.#record.results, result] });
  }

  async end(series: DrillRecord['series']): Promise<DrillRecord> {
    await this.#change({ series, ended: new Date().toISOString() });
    return this.#record;
  }

  /** Whatever happened: nobody goes on with it. */
  async close(): Promise<void> {
    await this.#release();
  }

  async #change(change: Partial<DrillRecord>): Promise<void> {
    this.#record = { ...this.#record, ...change };
    await this.#save();
  }

  #save(): Promise<void> {
    return writeWhole(
      fileOf(this.#folder, this.#record.id),
      `${JSON.stringify(this.#record, null, 2)}\n`,
      0o600,
    );
  }
}

/** Where an artefact stands on this machine, before its name. */
const PLACE = /(?:\/[^\s/:]+)*\/(?=[a-z]+(?:-\d+)?-\d{8}T\d{6}Z-[0-9a-f]{6})/g;

/** What went wrong, in one line. A report goes to others, to whom this machine's folders say nothing. */
export function reasonOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC') return `the disk is full (${message})`;
  const why = error instanceof CliError ? error.why : undefined;
  return (why === undefined ? message : `${message} ${why}`).replaceAll('\n', ' ').replace(PLACE, '');
}

/** Drills of a site, the newest first. */
export async function drillIds(folder: SiteFolder): Promise<readonly string[]> {
  const names = await readdir(folder.file(FOLDER)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const ids = names.flatMap((name) => /^(\d{8}T\d{6}Z-[0-9a-f]{6})\.json$/.exec(name)?.[1] ?? []);
  return ids.sort().reverse();
}

/**
 * The report of a drill.
 * @param id null: the newest
 * @throws CliError when there is none, or it cannot be read
 */
export async function readDrill(
  folder: SiteFolder,
  id: string | null,
): Promise<{ readonly record: DrillRecord; readonly isRunning: boolean }> {
  const ids = await drillIds(folder);
  const wanted = id ?? ids[0];
  if (wanted === undefined)
    throw new CliError('Unable to show a drill: there was none yet on this site, from this machine.', {
      outcome: 'not_found',
      fix: 'Run one: psactl drill run',
    });
  if (!ids.includes(wanted))
    throw new CliError(`Unable to find the drill "${wanted}".`, {
      outcome: 'not_found',
      fix: `The newest are: ${ids.slice(0, 3).join(', ') || 'none'}.`,
    });
  const text = await readFile(fileOf(folder, wanted), 'utf8');
  try {
    const record = JSON.parse(text) as DrillRecord;
    if (record.drill !== 1 || record.id !== wanted) throw new Error('it is that of something else');
    return { record, isRunning: record.ended === null && (await isOwned(ownerOf(folder, wanted))) };
  } catch (cause) {
    throw new CliError(`Unable to read the report of the drill ${wanted}.`, {
      why: (cause as Error).message,
      fix: `Look at ${fileOf(folder, wanted)}; the drill can be run again.`,
      cause,
    });
  }
}
