const TAG = /^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,49}$/u;

/** Tags from what was typed, separated by commas or semicolons: lower case, each once, only what the API takes. */
export function readTags(text: string): string[] {
  const names = text.split(/[,;\n]/).map((name) => name.trim().toLowerCase());
  return [...new Set(names.filter((name) => TAG.test(name)))].slice(0, 30);
}
