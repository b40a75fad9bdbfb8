/** One record of a CSV file, or why it is none. `line` is where it begins; the first line is 1. */
export type CsvRecord =
  | { readonly line: number; readonly cells: readonly string[] }
  | { readonly line: number; readonly problem: string };

/** Longest record in characters; a quote that is never closed is noticed after as many. */
export const MAX_RECORD = 64 * 1024;

type Scan = { cells: string[]; end: number } | { problem: string } | null;

/** Index after the line break at `i`, or `i` where there is none. */
function pastBreak(text: string, i: number): number {
  if (text[i] === '\r') return text[i + 1] === '\n' ? i + 2 : i + 1;
  return text[i] === '\n' ? i + 1 : i;
}

/** Index after the blanks at `i`, which some systems write around quoted cells: `"a"; "b" ;c`. */
function pastBlanks(text: string, i: number): number {
  let at = i;
  while (text[at] === ' ' || text[at] === '\u00a0') at++;
  return at;
}

/** Reads the record that begins at `start`; null: it goes on beyond what is there so far. */
function scan(text: string, start: number, delimiter: string, final: boolean): Scan {
  const cells: string[] = [];
  let i = start;
  for (;;) {
    let cell = '';
    const quoted = pastBlanks(text, i);
    if (text[quoted] === '"') {
      i = quoted + 1;
      for (;;) {
        const quote = text.indexOf('"', i);
        if (quote === -1 || (!final && quote === text.length - 1)) {
          return final ? { problem: 'has a quotation mark that is not closed' } : null;
        }
        cell += text.slice(i, quote);
        i = quote + 1;
        if (text[i] !== '"') break;
        cell += '"';
        i++;
      }
      i = pastBlanks(text, i);
    } else {
      const from = i;
      while (i < text.length && text[i] !== delimiter && text[i] !== '\n' && text[i] !== '\r') {
        if (text[i] === '"')
          return { problem: 'has a quotation mark inside a cell that does not begin with one' };
        i++;
      }
      cell = text.slice(from, i);
    }
    // A carriage return at the edge may be half of a line break.
    if (!final && (i >= text.length || (text[i] === '\r' && i === text.length - 1))) return null;
    cells.push(cell);
    if (i >= text.length) return { cells, end: i };
    if (text[i] === delimiter) {
      i++;
      continue;
    }
    const next = pastBreak(text, i);
    if (next === i) return { problem: 'has text after a closing quotation mark' };
    return { cells, end: next };
  }
}

/** Line breaks in a piece of text, of whichever kind. */
const countBreaks = (text: string) => text.match(/\r\n|\r|\n/g)?.length ?? 0;

/**
 * Reads CSV (RFC 4180; line breaks of any kind) as it arrives. After a bad record it goes on with the next
 * line, so that one stray quotation mark costs one row and not the rest of the file: that, and the line of
 * each problem, is what general parsers do not offer.
 */
export async function* readRecords(
  chunks: AsyncIterable<string> | Iterable<string>,
  delimiter: string,
): AsyncGenerator<CsvRecord> {
  let buffer = '';
  let line = 1;
  let skipping = false;

  function* drain(final: boolean): Generator<CsvRecord> {
    let at = 0;
    while (at < buffer.length) {
      if (skipping) {
        const rest = /\r\n|\n|\r(?!$)/g;
        rest.lastIndex = at;
        const found = rest.exec(buffer);
        if (!found) {
          at = buffer.endsWith('\r') && !final ? buffer.length - 1 : buffer.length;
          break;
        }
        at = rest.lastIndex;
        line++;
        skipping = false;
        continue;
      }
      const result = scan(buffer, at, delimiter, final);
      const tooLong = (result && 'end' in result ? result.end : buffer.length) - at > MAX_RECORD;
      if (result === null && !tooLong) break;
      if (result && 'cells' in result && !tooLong) {
        yield { line, cells: result.cells };
        line += countBreaks(buffer.slice(at, result.end));
        at = result.end;
        continue;
      }
      const problem =
        result && 'problem' in result
          ? result.problem
          : `is longer than ${MAX_RECORD} characters, or a quotation mark is not closed`;
      yield { line, problem };
      skipping = true;
    }
    buffer = buffer.slice(at);
  }

  for await (const chunk of chunks) {
    buffer += chunk;
    yield* drain(false);
  }
  yield* drain(true);
}
