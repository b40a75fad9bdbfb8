/** A row of a table as `COPY` writes it in text; null: NULL. */
export type Row = readonly (string | null)[];

const ESCAPED: Readonly<Record<string, string>> = {
  ...{ b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' },
};

/** What one field of a line says; null: NULL. */
export const field = (text: string): string | null =>
  text === '\\N'
    ? null
    : text.includes('\\')
      ? text.replace(/\\(.)/gs, (_, sign) => ESCAPED[sign] ?? sign)
      : text;

const SIGNS: Readonly<Record<string, string>> = {
  ...{ '\\': '\\\\', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v' },
};

/** A field as `COPY` writes it. */
export const copyField = (value: Uint8Array | null): string =>
  value === null
    ? '\\N'
    : Buffer.from(value)
        .toString('utf8')
        .replace(/[\\\b\f\n\r\t\v]/g, (sign) => SIGNS[sign]!);

const HEAD = /^COPY ((?:"(?:[^"]|"")+"|[^\s"(])+) \((.*)\) FROM stdin;$/;
const NAME = /"(?:[^"]|"")+"|[^\s",]+/g;

/** The table that the rows behind a line are of, and their columns, as names are written in SQL; null: it is another line. */
export function copyHead(
  line: string,
): { readonly table: string; readonly columns: readonly string[] } | null {
  const [, table, columns] = HEAD.exec(line) ?? [];
  return table === undefined ? null : { table, columns: columns!.match(NAME) ?? [] };
}
