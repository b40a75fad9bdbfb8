import type { DetailCode } from '@psa/contracts/detail-codes';
import { AppError } from '@psa/service-kit/errors';

/** How it is known which encoding a file is in. */
export type EncodingFrom = 'charset' | 'mark' | 'guessed';
export interface Decoded {
  readonly text: string;
  /** Its name as the Encoding Standard has it; `ibm850` besides. */
  readonly encoding: string;
  readonly from: EncodingFrom;
}

/**
 * The upper half of code page 850, which spreadsheets call "CSV (MS-DOS)" (Unicode consortium,
 * VENDORS/MICSFT/PC/CP850.TXT). The Encoding Standard, and so `TextDecoder`, does not know it.
 */
const IBM850 =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u00ad±‗¾¶§÷¸°¨·¹³²■\u00a0';

/** Letters that western European text has beyond ASCII; whichever reading has more of them is the right one. */
const LETTERS = /[äöüÄÖÜßéèêëáàâãåæçñíìîïóòôõøœúùûýÿÉÈÊÁÀÂÅÆÇÑÍÓÔØÚ]/g;
/** Marks that such text has at times, so that they speak neither for a reading nor against it. */
const MARKS = /[€§°„“”‚‘’–—…«»²³µ½¼¾´·•®©™£\u00a0\u00ad]/g;

const bad = (field: string, code: DetailCode, message: string, what: string) =>
  new AppError(400, 'INVALID_INPUT', `The file ${what}.`, { details: [{ field, code, message }] });

function ibm850(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('latin1')
    .replace(/[\x80-\xff]/g, (c) => IBM850[c.charCodeAt(0) - 0x80]!);
}

const decode = (encoding: string, bytes: Uint8Array): string =>
  encoding === 'ibm850' ? ibm850(bytes) : new TextDecoder(encoding).decode(bytes);

/** Text of two bytes a character has a zero in every second place wherever it is ASCII. */
function looksUtf16(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | null {
  const length = Math.min(bytes.length & ~1, 4096);
  if (length < 4) return null;
  let [even, odd] = [0, 0];
  for (let i = 0; i < length; i += 2) {
    if (bytes[i] === 0) even++;
    if (bytes[i + 1] === 0) odd++;
  }
  const most = length / 4;
  // A few characters have a zero in the other place: Ā is 0100.
  if (odd > most && even * 8 < odd) return 'utf-16le';
  return even > most && odd * 8 < even ? 'utf-16be' : null;
}

const isUtf16 = (charset: string) => /^\s*(?:utf-?16|ucs-?2|unicode)/i.test(charset);

/** Which of the one-byte encodings that spreadsheets write these bytes make the most sense in. */
function oneByteEncoding(bytes: Uint8Array): string {
  const high = bytes.filter((byte) => byte >= 0x80).subarray(0, 100_000);
  let best = { encoding: 'windows-1252', score: Number.NEGATIVE_INFINITY };
  for (const encoding of ['windows-1252', 'ibm850', 'macintosh']) {
    const text = decode(encoding, high);
    const letters = text.match(LETTERS)?.length ?? 0;
    const marks = text.match(MARKS)?.length ?? 0;
    // Control characters and drawings are what a wrong reading makes of letters.
    const score = letters - 2 * (text.length - letters - marks);
    if (score > best.score) best = { encoding, score };
  }
  return best.encoding;
}

const MARKED = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
] as const;

/**
 * The text of a file: by its byte order mark, else by the charset that the request names, else by what its bytes
 * say. What does not fit a charset that was named becomes U+FFFD, so that only its rows are refused.
 * @throws 400 for an unknown charset and for binary files
 */
export function decodeFile(bytes: Uint8Array, charset: string | null): Decoded {
  const read = (encoding: string, from: EncodingFrom): Decoded => {
    const text = decode(encoding, bytes);
    if (text.includes('\0')) throw bad('body', 'not_text', 'is not text', 'is not text');
    return { text: text.startsWith('\uFEFF') ? text.slice(1) : text, encoding, from };
  };
  const marked = MARKED.find(([, mark]) => mark.every((byte, i) => bytes[i] === byte));
  if (marked) return read(marked[0], 'mark');
  const wide = looksUtf16(bytes);
  // No other charset has zeros: a client names the one that it always names.
  if (charset !== null && (wide === null || isUtf16(charset))) {
    const name = charset.trim().toLowerCase();
    if (/^(?:ibm-?|cp-?)?850$/.test(name)) return read('ibm850', 'charset');
    let encoding: string;
    try {
      encoding = new TextDecoder(name).encoding;
    } catch {
      throw bad(
        'content-type',
        'unknown_value',
        'names a charset that is not known',
        `is in "${charset.slice(0, 40)}", which is not known`,
      );
    }
    // Without a mark "utf-16" may be either.
    return read(encoding === 'utf-16le' ? (wide ?? encoding) : encoding, 'charset');
  }
  if (wide) return read(wide, 'guessed');
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return read('utf-8', 'guessed');
  } catch {
    return read(oneByteEncoding(bytes), 'guessed');
  }
}

/** The charset of a content type, or null. */
export function charsetOf(contentType: string | undefined): string | null {
  const match = /;\s*charset\s*=\s*(?:"([^"]*)"|([^\s;]+))/i.exec(contentType ?? '');
  return match ? (match[1] ?? match[2] ?? null) : null;
}
