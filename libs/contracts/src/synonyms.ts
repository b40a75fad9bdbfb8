/**
 * A list of synonyms as people write it: a line for each group, `drucker = printer`. Spreadsheets' separators are taken as
 * well; blank lines and lines that begin with # say nothing. A person's line and the stored list are one form.
 */
export function groupsOf(text: string): string[][] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .filter((line) => line.trim() !== '' && !line.trim().startsWith('#'))
    .map((line) => {
      const parts = line.split(/[=;\t]/).length > 1 ? line.split(/[=;\t]/) : line.split(',');
      const expressions = parts.map((part) =>
        part
          .replace(/^\s*"|"\s*$/g, '')
          .replace(/\s+/g, ' ')
          .trim(),
      );
      return [...new Set(expressions.filter(Boolean))];
    });
}

/** A list as lines. */
export const linesOf = (groups: readonly (readonly string[])[]): string =>
  groups.map((group) => group.join(' = ')).join('\n');
