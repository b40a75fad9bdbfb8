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
  // file-type asks for MZ and more; an MZ header is enough here.
  if (head[0] === 0x4d && head[1] === 0x5a) return { ok: false, reason: 'programs are not taken' };
  const known = await fileTypeFromBuffer(head);
  if (known && PROGRAMS.has(known.mime)) return { ok: false, reason: 'programs are not taken' };
  if (known && ACTIVE.test(known.mime)) return { ok: true, contentType: 'application/octet-stream' };
  if (known) return { ok: true, contentType: known.mime };
  const text = textOf(head);
  if (text === null) return { ok: true, contentType: 'application/octet-stream' };
  if (text.startsWith('#!')) return { ok: false, reason: 'programs and scripts are not taken' };
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

/**
 * A file name that is safe to show and to offer for saving: no path, no control or direction characters
 * (`exe.gpj` shown as `jpg.exe`), no leading dots, not empty, not endless.
 */
export function safeFileName(name: string | undefined): string {
  const whole = (name ?? '').normalize('NFC').split(/[/\\]/).at(-1)!;
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

/** `Content-Disposition` that saves rather than shows, with an ASCII fall-back and the real name (RFC 5987). */
export function contentDisposition(name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]/g, '_').replace(/["\\]/g, '_');
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
