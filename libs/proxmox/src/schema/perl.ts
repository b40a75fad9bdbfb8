/** How Perl, in which Proxmox VE is written, reads numbers, lists and patterns. */

const NUMBER = /^[+-]?(\d+\.\d+|\d+\.|\.\d+|\d+)([eE][+-]?\d+)?$/;

/** Whether a text is a number to Proxmox. */
export const isNumber = (text: string): boolean => NUMBER.test(text);

/** Whether a text is an integer to Proxmox. */
export const isInteger = (text: string): boolean => /^[+-]?\d+$/.test(text);

/** A list as Proxmox splits it: NUL if there is one, else commas, semicolons and blanks. */
export function splitList(text: string): string[] {
  if (text.includes('\0')) return text.split('\0');
  return text
    .replaceAll(/[,;]/g, ' ')
    .split(/\s+/)
    .filter((part) => part !== '');
}

const compiled = new Map<string, RegExp>();

/** A pattern of the schema as a JavaScript one that must match the whole text. */
export function perlPattern(pattern: string): RegExp {
  const known = compiled.get(pattern);
  if (known) return known;
  const source = atomic(pattern)
    // A quoted pattern carries its modifiers: `(?^:…)` has none, `(?^i:…)` ignores case.
    .replaceAll('(?^:', '(?:')
    .replaceAll('(?^i:', '(?i:')
    // Perl since 5.34 reads `{,n}` as "at most n"; JavaScript takes it literally.
    .replaceAll(/\{,(\d+)\}/g, '{0,$1}');
  // Exactly as Proxmox does it: the alternatives of an unbracketed pattern are anchored on one side only.
  const made = new RegExp(`^${source}$`);
  compiled.set(pattern, made);
  return made;
}

/**
 * `(?>…)` never gives back what it took; JavaScript says so by a lookahead and a back reference. To drop it would do
 * the same in more time: exponential for the patterns that use it.
 */
function atomic(pattern: string, count = 1): string {
  const start = pattern.indexOf('(?>');
  if (start < 0) return pattern;
  let depth = 0;
  let inClass = false;
  for (let at = start; at < pattern.length; at++) {
    const char = pattern[at];
    if (char === '\\') at++;
    else if (inClass) inClass = char !== ']';
    else if (char === '[') inClass = true;
    else if (char === '(') depth++;
    else if (char === ')' && --depth === 0) {
      const group = `(?:(?=(?<atomic${count}>${pattern.slice(start + 3, at)}))\\k<atomic${count}>)`;
      return atomic(pattern.slice(0, start) + group + pattern.slice(at + 1), count + 1);
    }
  }
  return pattern;
}
