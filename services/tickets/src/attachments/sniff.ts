import { isProgramName } from '@psa/contracts/attachment-rules';
import { fileTypeFromBuffer } from 'file-type';

/** How much of a file decides its type. */
export const SNIFF_BYTES = 4100;

export type Sniffed =
  | { readonly ok: true; readonly contentType: string }
  | { readonly ok: false; readonly reason: string };

/** Programs, by what the content says. */
const PROGRAMS = new Set([
  'application/x-msdownload',
  'application/x-elf',
  'application/x-mach-binary',
  'application/x-executable',
  'application/x-sharedlib',
  'application/wasm',
  'application/java-vm',
  'application/x-java',
  'application/x-ms-shortcut',
  'application/x.ms.shortcut',
  'application/x-apple-alias',
  'application/x.apple.alias',
  'application/vnd.microsoft.portable-executable',
]);
/** What a browser may run when shown: kept, and handed out as plain bytes. */
const ACTIVE =
  /^(text\/html|application\/xhtml\+xml|image\/svg\+xml|application\/xml|text\/xml|application\/rss\+xml)$/;
const ACTIVE_TEXT = /^<(!doctype|\?xml|html|head|body|svg|script|iframe|math|xsl|[a-z]+:)/i;

/** Decides by the first bytes what a file is, and whether it is taken. The claimed type has no say. */
export async function sniff(head: Uint8Array, fileName: string): Promise<Sniffed> {
  if (isProgramName(fileName)) return { ok: false, reason: 'programs and scripts are not taken' };
  const text = textOf(head);
  // A DOS or Windows program begins with MZ and goes on with numbers, which are no text; a list may begin with MZ too.
  // What Windows runs as .com has no mark at all: there, text is the only proof that it is none.
  const bare = fileName.replace(/[\s.]+$/, '');
  if (text === null && ((head[0] === 0x4d && head[1] === 0x5a) || /\.com$/i.test(bare))) {
    return { ok: false, reason: 'programs are not taken' };
  }
  const known = text !== null && head[0] === 0x4d ? undefined : await fileTypeFromBuffer(head);
  if (known && PROGRAMS.has(known.mime)) return { ok: false, reason: 'programs are not taken' };
  if (known && ACTIVE.test(known.mime)) return { ok: true, contentType: 'application/octet-stream' };
  if (known) return { ok: true, contentType: known.mime };
  if (text === null) return { ok: true, contentType: 'application/octet-stream' };
  // The path of an interpreter makes a script; a note may begin with the same two characters.
  if (/^#! *\//.test(text)) return { ok: false, reason: 'programs and scripts are not taken' };
  const start = withoutComments(text);
  if (start === null || ACTIVE_TEXT.test(start)) return { ok: true, contentType: 'application/octet-stream' };
  return { ok: true, contentType: 'text/plain; charset=utf-8' };
}

/** The bytes as UTF-8 text, or null when they are none. The last character may be cut off. */
function textOf(head: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(head, { stream: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what tells text from data.
    return /[\u0000-\u0008\u000b\u000e-\u001a\u001c-\u001f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

/**
 * What stands after white space and comments; null when a comment does not end within the text. Step by step:
 * one pattern for all of it would try every way to divide them, and stand still for ever on a file made for that.
 */
function withoutComments(text: string): string | null {
  let at = 0;
  for (;;) {
    while (/[\s\uFEFF]/.test(text.charAt(at))) at++;
    if (!text.startsWith('<!--', at)) return text.slice(at);
    const end = text.indexOf('-->', at + 4);
    if (end === -1) return null;
    at = end + 3;
  }
}

const LONGEST_NAME = 150;

/** No file system has longer ones; the patterns below take the square of the length. */
const LONGEST_CLAIM = 1_000;

const utf8 = (bytes: Uint8Array) => new TextDecoder('utf-8', { fatal: true }).decode(bytes);
const latin1 = (text: string) => Buffer.from(text, 'latin1');

/** `=?utf-8?B?…?=` (RFC 2047), which mail programs and scripts put where it does not belong. */
const ENCODED_WORD = /=\?([\w.:-]{1,40})(?:\*[\w-]{1,20})?\?([bq])\?([^?]{0,1000})\?=/gi;

/**
 * The name that somebody meant: encoded words, percent-encoded UTF-8 and UTF-8 that was read as Latin-1 are decoded;
 * what cannot be decoded stays as it is.
 */
export function decodedName(claimed: string): string {
  const attempt = (text: string, decode: () => string) => {
    try {
      return decode();
    } catch {
      return text;
    }
  };
  if (claimed.length > LONGEST_CLAIM) return claimed;
  const words = claimed
    // White space between two encoded words belongs to neither.
    .replace(/\?=\s+(?==\?)/g, '?=')
    .replace(ENCODED_WORD, (word, charset: string, kind: string, body: string) =>
      attempt(word, () => {
        const bytes =
          kind.toLowerCase() === 'b'
            ? Buffer.from(body, 'base64')
            : latin1(
                body
                  .replaceAll('_', ' ')
                  .replace(/=([0-9a-f]{2})/gi, (_, hex: string) =>
                    String.fromCharCode(Number.parseInt(hex, 16)),
                  ),
              );
        return new TextDecoder(charset, { fatal: true }).decode(bytes);
      }),
    )
    .replace(/(?:%[89a-f][0-9a-f])+/gi, (run) =>
      attempt(run, () => utf8(Buffer.from(run.replaceAll('%', ''), 'hex'))),
    );
  const codes = Array.from(words, (character) => character.codePointAt(0)!);
  if (codes.every((code) => code < 0x80) || codes.some((code) => code > 0xff)) return words;
  return attempt(words, () => utf8(latin1(words)));
}

/**
 * A file name that is safe to show and to offer for saving: no path, no control or direction characters
 * (`exe.gpj` shown as `jpg.exe`), no leading dots, not empty, not endless.
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
    .replace(/^[\s.]+|[\s.]+$/g, '');
  if (clean === '') return 'file';
  if (clean.length <= LONGEST_NAME) return clean;
  const extension = /\.[A-Za-z0-9]{1,10}$/.exec(clean)?.[0] ?? '';
  // Half of a character outside the BMP is no text.
  const stem = clean.slice(0, LONGEST_NAME - extension.length).replace(/[\ud800-\udbff]$/, '');
  return stem + extension;
}
