// Free of TypeBox, so that a browser loads the rule without the schemas.

/** Names in one parameter, separated by commas; a comma or backslash inside a name has a backslash before it. */
export const joinWords = (words: readonly string[]): string =>
  words.map((word) => word.replace(/[\\,]/g, '\\$&')).join(',');

/**
 * The names of {@link joinWords}, each once; empty ones are none. A comma before a blank is part of a name too: so links
 * wrote one before there could be several.
 */
export function splitWords(text: string): string[] {
  const words = [''];
  for (const [part] of text.matchAll(/\\.|, |./gsu)) {
    if (part === ',') words.push('');
    else words[words.length - 1] += part.length > 1 && part.startsWith('\\') ? part.slice(1) : part;
  }
  return [...new Set(words.map((word) => word.trim()))].filter((word) => word !== '');
}
