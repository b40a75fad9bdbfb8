/** A piece of text and whether the search found it. */
export interface MarkedPart {
  text: string;
  hit: boolean;
}

/** Splits what the search marked between U+E000 and U+E001. Unbalanced marks are dropped, text never is. */
export function markedParts(text: string): MarkedPart[] {
  const parts: MarkedPart[] = [];
  let hit = false;
  for (const [token] of text.matchAll(/[\uE000\uE001]|[^\uE000\uE001]+/g)) {
    if (token === '\uE000') hit = true;
    else if (token === '\uE001') hit = false;
    else parts.push({ text: token, hit });
  }
  return parts;
}
