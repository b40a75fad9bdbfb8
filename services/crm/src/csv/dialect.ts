import { type CsvRecord, MAX_RECORD, readRecords } from './records.ts';

/** Between the cells of files that spreadsheets and other systems write. */
const DELIMITERS = [';', ',', '\t', '|'] as const;

/** How a file is written: what stands between its cells, and which line its heading is. */
export interface Dialect {
  readonly delimiter: string;
  /** Line of the heading; the first line of the file is 1. */
  readonly headingLine: number;
}

/** What Excel reads, and some systems write, before the heading: `sep=;`. */
const SEP = /^\s*"?sep=(.)"?\s*[;,\t|]?\s*$/i;

/** Records at the start of a file among which the heading is. */
const LOOKED_AT = 20;

/** Also by what other delimiters leave of a line of nothing but them. */
const blank = (cells: readonly string[]) => /^[\s;,|]*$/.test(cells.join(''));
const filled = (cells: readonly string[]) => cells.filter((cell) => cell.trim() !== '').length;

async function first(text: string, delimiter: string): Promise<CsvRecord[]> {
  const records: CsvRecord[] = [];
  for await (const record of readRecords([text], delimiter)) {
    records.push(record);
    if (records.length === LOOKED_AT) break;
  }
  return records;
}

/**
 * The heading when cells are parted by `delimiter`: the first line that is neither blank, nor `sep=`, nor a title
 * over the table (a line of one cell that names no column, where a line of several follows; or of more, none of which
 * names one, over a line most of which do).
 */
function heading(records: readonly CsvRecord[], isKnown: (cell: string) => boolean) {
  const lines = records.flatMap((record) => {
    if ('problem' in record) return [{ line: record.line, cells: [] as readonly string[], broken: true }];
    return blank(record.cells) || SEP.test(record.cells.join(';')) ? [] : [{ ...record, broken: false }];
  });
  const isTable = lines.some((line) => filled(line.cells) > 1);
  const known = ({ cells }: { cells: readonly string[] }) => cells.filter(isKnown).length;
  const first = lines.find(
    (line) => !isTable || line.broken || filled(line.cells) > 1 || line.cells.some(isKnown),
  );
  const isTitle = first !== undefined && !first.broken && known(first) === 0;
  const below = isTitle && lines.find((line) => known(line) > 1 && known(line) * 2 >= filled(line.cells));
  const found = below || first;
  return found && { line: found.line, cells: filled(found.cells), known: known(found) };
}

/**
 * Finds the heading and the delimiter: the one by which most cells of the heading are known columns, else the one
 * by which it has most cells. `sep=` decides where it is there.
 * @returns null when there is nothing but blank lines
 */
export async function detectDialect(
  text: string,
  isKnown: (cell: string) => boolean,
): Promise<Dialect | null> {
  const start = text.slice(0, LOOKED_AT * MAX_RECORD).replace(/^(?:[^\S\t]*[\r\n])+/, '');
  const said = SEP.exec(start.split(/[\r\n]/, 1)[0]!)?.[1];
  let best: { delimiter: string; line: number; cells: number; known: number } | null = null;
  for (const delimiter of said === undefined ? DELIMITERS : [said]) {
    const found = heading(await first(text.slice(0, LOOKED_AT * MAX_RECORD), delimiter), isKnown);
    if (!found) continue;
    const better =
      best === null || found.known > best.known || (found.known === best.known && found.cells > best.cells);
    if (better) best = { delimiter, ...found };
  }
  return (
    best && { delimiter: best.cells > 1 || said !== undefined ? best.delimiter : ',', headingLine: best.line }
  );
}
