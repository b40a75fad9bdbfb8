/** A piece of text; with `href` it is a link. */
export interface TextPart {
  text: string;
  href?: string;
}

const CANDIDATE = /\b(?:https?:\/\/[^\s<>"'`]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+)/gi;

/** Punctuation after an address belongs to the sentence; a bracket only when it was opened inside. */
function trimEnd(candidate: string): string {
  let end = candidate.length;
  while (end > 0) {
    const last = candidate[end - 1]!;
    if ('.,;:!?*_~»“”’'.includes(last)) {
      end -= 1;
    } else if (last === ')' || last === ']' || last === '}') {
      const open = last === ')' ? '(' : last === ']' ? '[' : '{';
      const body = candidate.slice(0, end);
      if (body.split(open).length >= body.split(last).length) break;
      end -= 1;
    } else break;
  }
  return candidate.slice(0, end);
}

/**
 * Splits plain text into text and links. Only http, https and mail addresses become links, so text from
 * outside can never carry a `javascript:` address; addresses with a user part (`https://bank.de@evil.example`)
 * stay text, because they are made to deceive. Joining all `text` gives the input back.
 */
export function linkify(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let from = 0;
  const plain = (until: number) => {
    if (until > from) parts.push({ text: text.slice(from, until) });
  };
  for (const match of text.matchAll(CANDIDATE)) {
    if (match.index < from) continue;
    const address = trimEnd(match[0]);
    const href = hrefOf(address);
    if (href === null) continue;
    plain(match.index);
    parts.push({ text: address, href });
    from = match.index + address.length;
  }
  plain(text.length);
  return parts;
}

function hrefOf(address: string): string | null {
  if (!/^https?:\/\//i.test(address)) return address.includes('@') ? `mailto:${address}` : null;
  const url = URL.parse(address);
  return url && url.username + url.password === '' ? url.href : null;
}
