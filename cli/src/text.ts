/** Rows with their columns aligned: numbers to the right, text to the left. */
export function table(rows: readonly (readonly (string | number)[])[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(...rows.map((row) => String(row[i] ?? '').length)),
  );
  return rows
    .map((row) => {
      const cells = row.map((cell, i) =>
        typeof cell === 'number' ? String(cell).padStart(widths[i]!) : cell.padEnd(widths[i]!),
      );
      return `${cells.join('  ').trimEnd()}\n`;
    })
    .join('');
}

/** `1 row`, `2 rows`. */
export const plural = (n: number, word: string) => `${n} ${word}${n === 1 ? '' : 's'}`;

/** `12 MiB`, rounded up. */
export const mib = (bytes: number) => `${Math.ceil(bytes / 1024 ** 2)} MiB`;

/** The end of what a program said before it failed. */
export const lastWords = (said: string): string => said.trim().split('\n').slice(-4).join('\n');
