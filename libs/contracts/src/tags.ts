// Free of TypeBox, so that a browser loads the rule without the schemas.

/** A tag: letters and digits of any script first, then also blanks and `._-`; at most 50 characters. */
export const TAG_PATTERN = '^[\\p{L}\\p{N}][\\p{L}\\p{N} ._-]*$';
export const MAX_TAG_LENGTH = 50;
const RULE = new RegExp(TAG_PATTERN, 'u');

/**
 * A tag as it is stored and looked for: one Unicode form, lower case. Says nothing of whether it is one. Of all letters
 * only İ becomes two by lower case, and a dot above by itself is none: what was taken would be refused when sent back.
 */
export const normalTag = (text: string): string =>
  text.normalize('NFC').trim().toLowerCase().replaceAll('i\u0307', 'i');

/** Tags as they are stored: each once, in the order given. */
export const normalTags = (tags: readonly string[]): string[] => [...new Set(tags.map(normalTag))];

/** A tag as it is stored, from what was typed; null when it is none. */
export function tagOf(text: string): string | null {
  const tag = normalTag(text);
  return tag.length <= MAX_TAG_LENGTH && RULE.test(tag) ? tag : null;
}

/** At most `most` tags from one line, separated by commas, semicolons or line breaks; each once, only what is one. */
export function readTags(text: string, most = 30): string[] {
  const tags = text.split(/[,;\n]/).map(tagOf);
  return [...new Set(tags.filter((tag) => tag !== null))].slice(0, most);
}
