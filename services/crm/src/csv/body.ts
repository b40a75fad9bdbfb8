import { AppError } from '@psa/service-kit/errors';
import { detectDelimiter } from './columns.ts';
import { type CsvRecord, MAX_RECORD, readRecords } from './records.ts';

/** Largest file in bytes. */
export const MAX_BYTES = 10 * 1024 * 1024;

const bad = (message: string) =>
  new AppError(400, 'INVALID_INPUT', `The file ${message}.`, { details: [{ field: 'body', message }] });

/**
 * The text of a body, piece by piece. A byte order mark is dropped; bytes that are not UTF-8 become U+FFFD,
 * so that only their rows are refused.
 * @throws 413 past {@link MAX_BYTES}, 400 for UTF-16 and for binary files
 */
async function* decode(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8');
  let bytes = 0;
  for await (const chunk of body) {
    const utf16 =
      bytes === 0 && ((chunk[0] === 0xff && chunk[1] === 0xfe) || (chunk[0] === 0xfe && chunk[1] === 0xff));
    bytes += chunk.length;
    if (bytes > MAX_BYTES) {
      throw new AppError(413, 'PAYLOAD_TOO_LARGE', 'The file is larger than 10 MB. Please split it.', {
        details: [{ field: 'body', message: 'is larger than 10 MB' }],
      });
    }
    if (utf16) throw bad('is UTF-16; save it as "CSV UTF-8"');
    const text = decoder.decode(chunk, { stream: true });
    if (text.includes('\0')) throw bad('is not text');
    yield text;
  }
  yield decoder.decode();
}

/** The records of a body: the delimiter is read from its first line. */
export async function* recordsOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<CsvRecord> {
  const chunks = decode(body);
  let head = '';
  while (!/[\r\n]/.test(head) && head.length <= MAX_RECORD) {
    const next = await chunks.next();
    if (next.done) break;
    head += next.value;
  }
  if (head.trim() === '') throw bad('is empty');
  async function* all() {
    yield head;
    yield* chunks;
  }
  yield* readRecords(all(), detectDelimiter(head.split(/[\r\n]/, 1)[0]!));
}
