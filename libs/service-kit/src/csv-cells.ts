/**
 * Spreadsheets run cells that begin so as formulas (OWASP, CSV injection). An apostrophe in front makes them
 * text. Cells that begin with apostrophes before such a character get one more, so that reading takes back
 * exactly what writing added.
 */
const DANGEROUS = /^'*[=+\-@\t\r]/;
const DEFUSED = /^'+[=+\-@\t\r]/;

/** A cell that no spreadsheet runs. */
export const defuse = (cell: string) => (DANGEROUS.test(cell) ? `'${cell}` : cell);
/** Takes back what {@link defuse} did. */
export const undefuse = (cell: string) => (DEFUSED.test(cell) ? cell.slice(1) : cell);

/** One line of CSV: defused, quoted where it must be. */
export function csvLine(cells: readonly string[], delimiter: string): string {
  return `${cells
    .map((cell) => {
      const safe = defuse(cell);
      return /["\r\n;,\t]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
    })
    .join(delimiter)}\r\n`;
}
