import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { appendFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream';
import { type Info, parse } from 'csv-parse';
import { CliError } from '../errors.ts';
import type { Problem } from './problems.ts';
import { arrange, type Incident, toIncident } from './servicenow-log.ts';
import { type LogRow, REQUIRED_COLUMNS, readRow, tidy } from './servicenow-row.ts';

/** What one look through the file tells. */
export interface Survey {
  readonly path: string;
  /** Rows without the header and without empty lines. */
  readonly rows: number;
  /** Incidents whose rows do not stand together. */
  readonly scattered: ReadonlySet<string>;
  /** Size and time of change, to notice when somebody writes to the file meanwhile. */
  readonly stamp: string;
}

export type LogItem =
  | { readonly incident: Incident }
  /** One refused row with every reason against it. */
  | { readonly refused: readonly Problem[] };

/** Longest row in characters: a quote that is never closed would otherwise swallow the rest of the file. */
const LONGEST_ROW = 256 * 1024;
/** Rows that are set aside are sorted into so many files, of which one at a time is held in memory. */
const BUCKETS = 64;

interface Row {
  readonly values: readonly string[];
  readonly line: number;
}

/** The rows of a CSV file, header first, with the line on which each begins. */
async function* csvRows(path: string): AsyncGenerator<Row> {
  const parser = parse({
    bom: true,
    info: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: LONGEST_ROW,
  });
  // A failing read destroys the parser with its error, which the loop below then throws.
  pipeline(createReadStream(path), parser, () => {});
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: Info }>) {
      const breaks = record.reduce((sum, value) => sum + (value.match(/\n/g)?.length ?? 0), 0);
      yield { values: record, line: info.lines - breaks };
    }
  } catch (error) {
    throw unreadable(path, error as NodeJS.ErrnoException & { lines?: number });
  }
}

function unreadable(path: string, error: NodeJS.ErrnoException & { lines?: number }): CliError {
  if (error.code === 'ENOENT') {
    return new CliError(`Unable to read ${path}: there is no such file.`, {
      outcome: 'not_found',
      cause: error,
    });
  }
  const why =
    error.code === 'CSV_MAX_RECORD_SIZE' || error.code === 'CSV_QUOTE_NOT_CLOSED'
      ? `A quote is opened${error.lines ? ` before line ${error.lines}` : ''} and never closed.`
      : error.message;
  return new CliError(`Unable to read ${path} as CSV.`, {
    code: error.code ?? 'FAILED',
    why,
    fix: 'Nothing was imported. Mend the file and run it again.',
    cause: error,
  });
}

/** The column names. @throws when some are missing, naming them. */
function checkHeader(path: string, header: Row | undefined): readonly string[] {
  const columns = header?.values.map((name) => name.trim()) ?? [];
  const missing = REQUIRED_COLUMNS.filter((name) => !columns.includes(name));
  const twice = columns.find((name, i) => name !== '' && columns.indexOf(name) !== i);
  if (missing.length === 0 && twice === undefined) return columns;
  throw new CliError(`Unable to read ${path} as a servicenow-log file.`, {
    code: 'WRONG_HEADER',
    why: !header
      ? 'The file is empty.'
      : missing.length > 0
        ? `The first line lacks the column${missing.length === 1 ? '' : 's'} ${missing.join(', ')}.`
        : `The first line names the column ${twice} twice.`,
    fix: 'The first line must name the columns, separated by commas, as ServiceNow exports them.',
  });
}

const stampOf = async (path: string) => {
  const { size, mtimeMs } = await stat(path);
  return `${size}/${mtimeMs}`;
};

/** Looks through the file once: is it one, how long is it, which incidents are scattered in it. */
export async function survey(path: string, signal: AbortSignal): Promise<Survey> {
  const found = await stat(path).catch((error) => {
    throw unreadable(path, error);
  });
  if (!found.isFile()) {
    throw new CliError(`Unable to read ${path}: it is not a file.`, {
      fix: 'Give a CSV file; it is read three times.',
    });
  }
  const stamp = await stampOf(path);
  const rows = csvRows(path);
  const columns = checkHeader(path, (await rows.next()).value as Row | undefined);
  const at = columns.indexOf('number');
  const seen = new Set<string>();
  const scattered = new Set<string>();
  let count = 0;
  let before: string | null = null;
  for await (const row of rows) {
    signal.throwIfAborted();
    count++;
    const number = tidy(row.values[at]);
    if (number === null || number === before) continue;
    if (seen.has(number)) scattered.add(number);
    seen.add(number);
    before = number;
  }
  return { path, rows: count, scattered, stamp };
}

/**
 * The incidents of the file and the rows it cannot take. Memory holds one incident at a time; the rows of
 * scattered incidents wait in temporary files and come last.
 */
export async function* readLog(
  surveyed: Survey,
  timeZone: string,
  signal: AbortSignal,
): AsyncGenerator<LogItem> {
  const { path, scattered } = surveyed;
  const rows = csvRows(path);
  const columns = checkHeader(path, (await rows.next()).value as Row | undefined);
  const aside = scattered.size === 0 ? null : await Aside.make();
  try {
    let group: LogRow[] = [];
    for await (const { values, line } of rows) {
      signal.throwIfAborted();
      const read = readRow(columns, values, line, timeZone);
      if (!('row' in read)) {
        yield { refused: read.reasons.map((reason) => ({ line, record: read.number, ...reason })) };
        continue;
      }
      if (group.length > 0 && group[0]!.number !== read.row.number) {
        yield* finish(group);
        group = [];
      }
      if (aside && scattered.has(read.row.number)) await aside.put(read.row);
      else group.push(read.row);
    }
    if (group.length > 0) yield* finish(group);
    if (aside) {
      for await (const rowsOfOne of aside.groups()) yield* finish(rowsOfOne);
    }
    if ((await stampOf(path)) !== surveyed.stamp) {
      throw new CliError(`Unable to finish with ${path}: it was changed while it was read.`, {
        fix: 'Run it again when the file is complete; what was imported stays and does not double.',
      });
    }
  } finally {
    await aside?.remove();
  }
}

function* finish(group: readonly LogRow[]): Generator<LogItem> {
  const { rows, repeated } = arrange(group);
  for (const { row, first } of repeated) {
    const message = `repeats line ${first.line}`;
    yield { refused: [{ line: row.line, record: row.number, field: null, message }] };
  }
  yield { incident: toIncident(rows) };
}

/** Rows set aside on disk, so that those of one incident can be brought together in bounded memory. */
class Aside {
  readonly #dir: string;
  readonly #waiting: string[][] = Array.from({ length: BUCKETS }, () => []);
  readonly #used = new Set<number>();

  private constructor(dir: string) {
    this.#dir = dir;
  }

  static async make(): Promise<Aside> {
    return new Aside(await mkdtemp(join(tmpdir(), 'psactl-import-')));
  }

  async put(row: LogRow): Promise<void> {
    const bucket = createHash('sha256').update(row.number).digest()[0]! % BUCKETS;
    const waiting = this.#waiting[bucket]!;
    if (waiting.push(JSON.stringify(row)) >= 500) await this.#flush(bucket);
  }

  async *groups(): AsyncGenerator<LogRow[]> {
    for (let bucket = 0; bucket < BUCKETS; bucket++) await this.#flush(bucket);
    for (const bucket of this.#used) {
      const groups = new Map<string, LogRow[]>();
      for await (const line of createInterface({
        input: createReadStream(this.#file(bucket)),
        crlfDelay: Infinity,
      })) {
        const row = JSON.parse(line) as LogRow;
        const group = groups.get(row.number);
        if (group) group.push(row);
        else groups.set(row.number, [row]);
      }
      yield* groups.values();
    }
  }

  async #flush(bucket: number): Promise<void> {
    const waiting = this.#waiting[bucket]!.splice(0);
    if (waiting.length === 0) return;
    this.#used.add(bucket);
    await appendFile(this.#file(bucket), `${waiting.join('\n')}\n`, { mode: 0o600 });
  }

  readonly #file = (bucket: number) => join(this.#dir, `${bucket}.ndjson`);

  remove(): Promise<void> {
    return rm(this.#dir, { recursive: true, force: true });
  }
}
