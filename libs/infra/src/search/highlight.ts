import { HIGHLIGHT_END, HIGHLIGHT_START } from '@psa/contracts/ports/search';
import { tokens } from './words.ts';

/** Says whether a word of a document, as written, is one that the query asked for. */
export type Matcher = (word: string) => boolean;

const FRAGMENT = 220;
const BEFORE = 60;
/** Text beyond is searched, but not looked through for a fragment. */
const LOOKED_AT = 100_000;
const MARKS = /[\uE000\uE001]/g;

/** The whole text with its matches marked. Marks that the text itself has are taken out. */
export function markAll(text: string, matches: Matcher): string {
  const clean = text.replace(MARKS, '');
  return mark(clean, found(clean, matches), 0, clean.length);
}

/**
 * The piece of a text, about 220 characters, in which most matches stand; cut between words, with `…` where
 * something was left out. Its beginning where nothing matches.
 */
export function bestFragment(text: string, matches: Matcher): { text: string; hits: number } {
  const clean = text.slice(0, LOOKED_AT).replace(MARKS, '');
  const spans = found(clean, matches);
  let best = 0;
  let most = 0;
  for (let i = 0, j = 0; i < spans.length; i++) {
    while (j < spans.length && spans[j]!.end - spans[i]!.start <= FRAGMENT - BEFORE) j++;
    if (j - i > most) [best, most] = [i, j - i];
  }
  const from = spans.length === 0 ? 0 : cutBefore(clean, Math.max(0, spans[best]!.start - BEFORE));
  const to = cutAfter(clean, Math.min(clean.length, from + FRAGMENT));
  const marked = mark(clean, spans, from, to).replace(/\s+/g, ' ').trim();
  return { text: `${from > 0 ? '… ' : ''}${marked}${to < text.length ? ' …' : ''}`, hits: spans.length };
}

interface Span {
  readonly start: number;
  readonly end: number;
}

function found(text: string, matches: Matcher): Span[] {
  const spans: Span[] = [];
  for (const token of tokens(text)) {
    if (matches(token.text)) spans.push({ start: token.start, end: token.end });
  }
  return spans;
}

function mark(text: string, spans: readonly Span[], from: number, to: number): string {
  let result = '';
  let at = from;
  for (const span of merged(spans)) {
    if (span.start < at || span.end > to) continue;
    result += `${text.slice(at, span.start)}${HIGHLIGHT_START}${text.slice(span.start, span.end)}${HIGHLIGHT_END}`;
    at = span.end;
  }
  return result + text.slice(at, to);
}

/** Spans that overlap, as pairs of letters do, are one. */
function merged(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const span of spans) {
    const last = result.at(-1);
    if (last && span.start < last.end) result[result.length - 1] = { start: last.start, end: span.end };
    else result.push(span);
  }
  return result;
}

/** The next beginning of a word at or after a place, if one is near. */
function cutBefore(text: string, at: number): number {
  if (at === 0) return 0;
  const space = text.slice(at, at + 30).search(/\s/);
  return space < 0 ? whole(text, at) : at + space + 1;
}

/** The last end of a word at or before a place, if one is near. */
function cutAfter(text: string, at: number): number {
  if (at >= text.length) return text.length;
  const near = text.slice(Math.max(0, at - 30), at);
  const space = Math.max(near.lastIndexOf(' '), near.lastIndexOf('\n'));
  return space < 0 ? whole(text, at) : at - near.length + space;
}

/** Never between the two halves of a character. */
const whole = (text: string, at: number) => (/[\uDC00-\uDFFF]/.test(text[at] ?? '') ? at - 1 : at);
