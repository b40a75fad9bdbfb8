import { isProgramName } from '@psa/contracts/attachment-rules';
import { MAX_ATTACHMENT_BYTES } from '@psa/contracts/limits';
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

/** Marks of what Windows and OS/2 run, behind the header for DOS. */
const NEW_HEADERS = new Set(['PE', 'NE', 'LE', 'LX']);

/** Kinds of file that are sure enough to be no program for DOS, which has no mark. */
const SURE = /^(?:image\/(?:png|jpeg)|application\/pdf)$/;

/** Decides by the first bytes what a file is, and whether it is taken. The claimed type has no say. */
export async function sniff(head: Uint8Array, fileName: string): Promise<Sniffed> {
  const refused = { ok: false, reason: 'programs and scripts are not taken' } as const;
  const unknown = { ok: true, contentType: 'application/octet-stream' } as const;
  if (isProgramName(fileName)) return refused;
  // The path of an interpreter makes a script, in any encoding; a note may begin with the same two characters.
  if (/^(?:\xef\xbb\xbf)?#! *\//.test(Buffer.from(head.subarray(0, 200)).toString('latin1'))) return refused;
  const text = textOf(head);
  const readable = text !== null || isReadable(head);
  const mz = head[0] === 0x4d && head[1] === 0x5a;
  if (mz && !readable && isDosProgram(head)) return refused;
  // By its first two bytes alone that library makes a program of whatever begins with MZ.
  const known = mz ? undefined : await fileTypeFromBuffer(head);
  if (known && PROGRAMS.has(known.mime)) return refused;
  // What Windows runs as .com has no mark at all: there, being something else is the only proof that it is none.
  const isCom = /\.com$/i.test(fileName.replace(/[\s.]+$/, ''));
  if (isCom && !readable && !(known && SURE.test(known.mime))) return refused;
  if (known) return ACTIVE.test(known.mime) ? unknown : { ok: true, contentType: known.mime };
  if (text === null) return unknown;
  const start = withoutComments(text);
  if (start === null || ACTIVE_TEXT.test(start)) return unknown;
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

/** What no text has, in any of the encodings that lists are written in. */
const isControl = (byte: number) =>
  byte < 0x09 || byte === 0x0b || (byte > 0x0d && byte < 0x20 && byte !== 0x1b) || byte === 0x7f;

/**
 * Text in a single-byte encoding (windows-1252, as spreadsheets write it), or in UTF-16 behind its mark. No program for
 * Windows is: where its header lies is a number of four bytes, which without control characters is beyond 150 MB.
 */
function isReadable(head: Uint8Array): boolean {
  const [first, second] = head;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    const text = new TextDecoder(first === 0xff ? 'utf-16le' : 'utf-16be').decode(head.subarray(2));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what tells text from data.
    return !/[\u0000-\u0008\u000b\u000e-\u001a\u001c-\u001f]/.test(text);
  }
  return !head.some(isControl);
}

/**
 * Whether a header that begins with MZ is one. Windows looks at nothing but the offset at 0x3c and the mark there (PE, NE,
 * LE, LX); DOS at sizes that must make sense. Where the mark lies beyond what is seen, it is taken for one.
 */
function isDosProgram(head: Uint8Array): boolean {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  // No text, and cut off before it could say more.
  if (bytes.length < 0x40) return true;
  const offset = bytes.readUInt32LE(0x3c);
  const isBeyond = offset + 2 > bytes.length;
  if (
    isBeyond ? offset < MAX_ATTACHMENT_BYTES : NEW_HEADERS.has(bytes.toString('latin1', offset, offset + 2))
  )
    return true;
  // The bytes of a last page of 512; nothing else in that header must be in any way.
  return bytes.readUInt16LE(2) < 512;
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
