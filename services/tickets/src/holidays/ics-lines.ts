/** A line of an iCalendar file: `NAME;PARAM=value;PARAM="value":value`. */
export interface Content {
  readonly name: string;
  readonly params: ReadonlyMap<string, string>;
  readonly value: string;
}

/** Bytes as text: UTF-8 as the standard has it, or windows-1252, which older programs write. */
export function icsText(bytes: Uint8Array): string {
  const isMarked = (first: number, second: number) => bytes[0] === first && bytes[1] === second;
  for (const charset of ['utf-8', 'utf-16le', 'utf-16be'] as const) {
    // Behind their marks alone: any bytes are UTF-16.
    if (charset === 'utf-16le' && !isMarked(0xff, 0xfe)) continue;
    if (charset === 'utf-16be' && !isMarked(0xfe, 0xff)) continue;
    try {
      return new TextDecoder(charset, { fatal: true }).decode(bytes);
    } catch {
      // In another one.
    }
  }
  return new TextDecoder('windows-1252').decode(bytes);
}

/** The lines of a file, the folded ones whole; what is no line of this form is left out. */
export function* contentLines(text: string): Generator<Content> {
  const lines = text.split(/\r\n|\n|\r/);
  for (let at = 0; at < lines.length; at++) {
    const parts = [lines[at]!];
    while (/^[ \t]/.test(lines[at + 1] ?? '')) parts.push(lines[++at]!.slice(1));
    const line = contentOf(parts.join(''));
    if (line) yield line;
  }
}

function contentOf(line: string): Content | null {
  const name = /^[A-Za-z0-9-]+/.exec(line)?.[0];
  if (name === undefined) return null;
  const params = new Map<string, string>();
  let at = name.length;
  // Step by step: a value in quotes may hold what divides parameters.
  while (line[at] === ';') {
    const equals = line.indexOf('=', at);
    if (equals === -1) return null;
    let end = equals + 1;
    let quoted = false;
    while (end < line.length && (quoted || (line[end] !== ';' && line[end] !== ':'))) {
      if (line[end] === '"') quoted = !quoted;
      end++;
    }
    params.set(line.slice(at + 1, equals).toUpperCase(), line.slice(equals + 1, end).replaceAll('"', ''));
    at = end;
  }
  if (line[at] !== ':') return null;
  return { name: name.toUpperCase(), params, value: line.slice(at + 1) };
}

/** A value of the kind TEXT without its escapes. */
export const textValue = (value: string): string =>
  value.replace(/\\([\\;,nN])/g, (_, sign: string) => (/n/i.test(sign) ? '\n' : sign));
