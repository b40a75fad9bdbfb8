import { MAX_CSV_BYTES } from '@psa/contracts/limits';
import { sizeText } from '@psa/contracts/sizes';
import { AppError } from '@psa/service-kit/errors';

const LARGEST = sizeText(MAX_CSV_BYTES);

/**
 * The bytes of a body. Whole, because the encoding is told by all of them.
 * @throws 413 past {@link MAX_CSV_BYTES}, 400 when there are none
 */
export async function readBody(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_CSV_BYTES) {
      throw new AppError(413, 'PAYLOAD_TOO_LARGE', `The file is larger than ${LARGEST}. Please split it.`, {
        details: [{ field: 'body', code: 'too_large', message: `is larger than ${LARGEST}` }],
      });
    }
    chunks.push(chunk);
  }
  if (bytes === 0) throw emptyFile();
  return Buffer.concat(chunks);
}

export const emptyFile = () =>
  new AppError(400, 'INVALID_INPUT', 'The file is empty.', {
    details: [{ field: 'body', code: 'empty', message: 'is empty' }],
  });

const SLICE = 64 * 1024;

/** Text in slices; between them the process gets its turn for others. */
export async function* slices(text: string): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += SLICE) {
    if (at > 0) await new Promise<void>((resolve) => setImmediate(resolve));
    yield text.slice(at, at + SLICE);
  }
}
