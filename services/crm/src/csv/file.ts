import type { CsvKind, CsvSystem } from '@psa/contracts/csv';
import { AppError, invalid } from '@psa/service-kit/errors';
import { emptyFile, readBody, slices } from './body.ts';
import { type Layouts, meaningsOf } from './choices.ts';
import { detectDialect } from './dialect.ts';
import { type Decoded, decodeFile } from './encoding.ts';
import { type Heading, headingKey, isNamed, placeKey, placesOf, readHeading } from './headings.ts';
import { readRecords } from './records.ts';
import { isOfSystem } from './systems.ts';
import { type Given, givenOf, type Problem } from './values.ts';

/** Rows in one file at most: they are applied in one transaction. */
export const MAX_ROWS = 50_000;
const SAMPLE = 60;

/** A file as it was read, before anything of it is compared with what is known. */
export interface Read<Line> {
  readonly encoding: Omit<Decoded, 'text'>;
  readonly delimiter: string;
  readonly system: CsvSystem | null;
  readonly headings: readonly (Heading & { readonly sample: string | null })[];
  readonly rows: readonly Line[];
  readonly problems: readonly Problem[];
  /** Lines that hold a row, good or bad. */
  readonly count: number;
}

/** True for a heading that this import has an idea of. */
function knownHeadings(kind: CsvKind, layouts: Layouts): (cell: string) => boolean {
  const seen = new Set(layouts.flatMap(({ headings }) => placesOf(headings).map(placeKey)));
  return (cell) => {
    const key = headingKey(cell);
    return key !== '' && (isNamed(kind, cell) || isOfSystem(kind, key) || seen.has(key));
  };
}

/** Reads and checks the whole file before anything is written: a file that breaks off changes nothing. */
export async function readFile<Line>(
  kind: CsvKind,
  body: AsyncIterable<Uint8Array>,
  charset: string | null,
  layouts: Layouts,
  lineOf: (line: number, given: Given) => Line | Problem[],
): Promise<Read<Line>> {
  const { text, ...encoding } = decodeFile(await readBody(body), charset);
  const dialect = await detectDialect(text, knownHeadings(kind, layouts));
  if (!dialect) throw emptyFile();
  const rows: Line[] = [];
  const problems: Problem[] = [];
  let headings: (Heading & { sample: string | null })[] | null = null;
  let system: CsvSystem | null = null;
  let count = 0;
  for await (const record of readRecords(slices(text), dialect.delimiter)) {
    if (record.line < dialect.headingLine) continue;
    if (!headings) {
      if ('problem' in record)
        throw invalid({ field: 'header', code: 'unreadable', message: record.problem });
      const meanings = meaningsOf(kind, record.cells, layouts);
      system = meanings.system?.name ?? null;
      headings = readHeading(kind, record.cells, meanings).map((heading) => ({ ...heading, sample: null }));
      continue;
    }
    const given =
      'problem' in record
        ? [{ line: record.line, field: null, code: 'unreadable' as const, message: record.problem }]
        : givenOf(record.line, record.cells, headings);
    if (given === null) continue;
    if (++count > MAX_ROWS) {
      throw new AppError(
        413,
        'PAYLOAD_TOO_LARGE',
        `The file has more than ${MAX_ROWS} rows. Please split it.`,
        {
          details: [{ field: 'body', code: 'too_large', message: `has more than ${MAX_ROWS} rows` }],
        },
      );
    }
    if ('cells' in record) {
      for (const [i, heading] of headings.entries())
        heading.sample ??= record.cells[i]?.trim().slice(0, SAMPLE) || null;
    }
    const row = isProblems(given) ? given : lineOf(record.line, given);
    if (Array.isArray(row)) problems.push(...row);
    else rows.push(row);
  }
  return { encoding, delimiter: dialect.delimiter, system, headings: headings ?? [], rows, problems, count };
}

const isProblems = (given: Given | Problem[]): given is Problem[] => Array.isArray(given);
