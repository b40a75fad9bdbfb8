const LONGEST_NAME = 150;
/** File systems allow 255, and browsers add " (1)" and an ending of their own: 80 signs of Chinese are as many. */
const MOST_BYTES = 240;

/** No file system has longer ones; the patterns below take the square of the length. */
const LONGEST_CLAIM = 1_000;

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const decode = (bytes: Uint8Array, charset: string) =>
  new TextDecoder(charset, { fatal: true }).decode(bytes);
const utf8 = (bytes: Uint8Array) => decode(bytes, 'utf-8');
const fromHex = (text: string) =>
  latin1(
    text.replace(/[=%]([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
  );
const WHOLE_ESCAPES = /^(?:[!-$&-~]|%[0-9a-f]{2})*$/i;

/**
 * `=?utf-8?B?…?=` (RFC 2047, with the language of RFC 2231), which mail programs and scripts put where it does not belong.
 * The last one of a name that was cut off has no end.
 */
const ENCODED_WORD = /=\?([\w.:-]{1,40})(?:\*[\w-]{1,20})?\?([bq])\?([^?]{0,1000})(?:\?=|$)/gi;

/** Words of one charset that follow each other: their bytes are one text, and a character may begin in one and end in the next. */
interface Run {
  charset: string;
  bytes: Buffer[];
}

/** What a run says; in another charset than it claims where that cannot be, so that it stays readable. */
function textOfRun({ charset, bytes }: Run): string {
  const all = Buffer.concat(bytes);
  for (const one of [charset, 'utf-8']) {
    try {
      return decode(all, one);
    } catch {
      // An unknown charset, or bytes that it has not.
    }
  }
  return decode(all, 'windows-1252');
}

function decodedWords(text: string): string {
  let result = '';
  let run: Run | null = null;
  let at = 0;
  const end = () => {
    if (run) result += textOfRun(run);
    run = null;
  };
  for (const word of text.matchAll(ENCODED_WORD)) {
    const [whole, charset = '', kind = '', body = ''] = word;
    const between = text.slice(at, word.index);
    at = word.index + whole.length;
    const bytes =
      kind.toLowerCase() === 'b' ? Buffer.from(body, 'base64') : fromHex(body.replaceAll('_', ' '));
    // White space between two encoded words belongs to neither.
    const follows: Run | null = run !== null && between.trim() === '' ? run : null;
    if (follows && (follows as Run).charset.toLowerCase() === charset.toLowerCase()) {
      (follows as Run).bytes.push(bytes);
      continue;
    }
    end();
    if (!follows) result += between;
    run = { charset, bytes: [bytes] };
  }
  end();
  return result + text.slice(at);
}

/**
 * The name that somebody meant: encoded words, extended values (RFC 8187, `utf-8''…`, in the place of a plain one),
 * percent-encoded UTF-8 and UTF-8 that was read as Latin-1 are decoded; what cannot be decoded stays as it is.
 */
export function decodedName(claimed: string): string {
  const attempt = (text: string, how: () => string) => {
    try {
      return how();
    } catch {
      return text;
    }
  };
  if (claimed.length > LONGEST_CLAIM) return claimed;
  const [, charset, value = ''] = /^([\w.:-]{1,40})'[\w-]{0,20}'(.*)$/s.exec(claimed) ?? [];
  if (charset !== undefined && WHOLE_ESCAPES.test(value)) {
    const decoded = attempt('', () => decode(fromHex(value), charset));
    if (decoded !== '') return decoded;
  }
  const words = decodedWords(claimed);
  // Escaped as a whole, its blanks too; else only what cannot be meant as it stands.
  const escapes =
    WHOLE_ESCAPES.test(words) && /%[89a-f]/i.test(words) ? /(?:%[0-9a-f]{2})+/gi : /(?:%[89a-f][0-9a-f])+/gi;
  const plain = words.replace(escapes, (run) => attempt(run, () => utf8(fromHex(run))));
  const codes = Array.from(plain, (character) => character.codePointAt(0)!);
  if (codes.every((code) => code < 0x80) || codes.some((code) => code > 0xff)) return plain;
  return attempt(plain, () => utf8(latin1(plain)));
}

/** Names that Windows keeps for devices, whatever their ending. */
const DEVICES = /^(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i;

/**
 * A file name that is safe to show and to offer for saving: no path, no control or direction characters
 * (`exe.gpj` shown as `jpg.exe`), no leading dots, no device, not empty, not endless.
 */
export function safeFileName(name: string | undefined): string {
  const whole = decodedName(name ?? '')
    .normalize('NFC')
    .split(/[/\\]/)
    .at(-1)!;
  // The end is kept: it says what kind of file this is.
  const base =
    whole.length <= LONGEST_CLAIM ? whole : whole.slice(0, LONGEST_NAME) + whole.slice(-LONGEST_NAME);
  const clean = base
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu, '')
    .replace(/[<>:"|?*]/g, '_')
    .replace(/\s+/g, ' ')
    .replace(/^[\s.]+|[\s.]+$/g, '')
    .replace(DEVICES, '_$&');
  if (clean === '') return 'file';
  if (fits(clean)) return clean;
  const extension = /\.[A-Za-z0-9]{1,10}$/.exec(clean)?.[0] ?? '';
  let stem = clean.slice(0, LONGEST_NAME - extension.length);
  while (!fits(stem + extension)) stem = stem.slice(0, -1);
  // Half of a character outside the BMP is no text, and what was cut before may end in a blank or a dot.
  return stem.replace(/[\ud800-\udbff]$/, '').replace(/[\s.]+$/, '') + extension;
}

const fits = (name: string) => name.length <= LONGEST_NAME && Buffer.byteLength(name) <= MOST_BYTES;
