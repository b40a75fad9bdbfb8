import { randomBytes } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { basename, join } from 'node:path';
import type { Params } from '@psa/proxmox/schema/api-schema';
import type { ParamValue } from '@psa/proxmox/schema/check';
import { ApiError, refusedByServer } from '../errors.ts';

/** A form or a JSON body may not be larger than this; files come in parts of their own. */
const LIMIT = 512 * 1024;

/**
 * Parameters of a query or a form (PVE::APIServer::AnyEvent, decode_urlencoded): repeated keys become lists, and an
 * empty value is none at all.
 */
export function parseForm(text: string): Record<string, ParamValue | null> {
  const params: Record<string, ParamValue | null> = Object.create(null);
  for (const part of text.split(/[&;]/)) {
    const [key = '', value = ''] = part.split('=');
    if (key === '' && value === '') continue;
    const name = unescaped(key);
    const before = params[name] ?? null;
    const given = value === '' ? null : unescaped(value);
    if (given === null || before === null) params[name] = given;
    else params[name] = [...(Array.isArray(before) ? (before as readonly ParamValue[]) : [before]), given];
  }
  return params;
}

/**
 * Parameters as the daemon gets them that does what changes something: on their way to it, what is none becomes an
 * empty text. So `comment=` empties a comment, and `cores=` is no number.
 */
export const asWritten = <T>(params: Readonly<Record<string, T | null>>): Record<string, T | string> =>
  Object.assign(
    Object.create(null),
    Object.fromEntries(Object.entries(params).map(([key, value]) => [key, value ?? ''])),
  );

function unescaped(text: string): string {
  const plain = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(plain);
  } catch {
    return plain;
  }
}

/** Reads the body of a request: a form, JSON, or parts with a file, which is put into `folder`. */
export async function readBody(request: IncomingMessage, folder: string): Promise<Params> {
  const type = request.headers['content-type'] ?? '';
  const boundary = /^multipart\/form-data;\s*boundary="?([^";]+)"?/i.exec(type)?.[1];
  if (boundary !== undefined && UPLOAD.test(request.url ?? '')) return readParts(request, boundary, folder);
  const length = Number(request.headers['content-length'] ?? 0);
  if (length > LIMIT) throw refusedByServer(501, 'for data too large');
  const [kind = ''] = type.split(/\s*[;,]\s*/);
  if (length > 0 && !FORMS.has(kind))
    throw refusedByServer(506, `upload 'Content-Type '${type}' not implemented`);
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  if (kind !== 'application/json') return parseForm(text);
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value))
      throw refusedByServer(
        500,
        'Not a HASH reference at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line 943.',
      );
    if (typeof value === 'object' && value !== null) return value as Params;
  } catch (error) {
    if (error instanceof ApiError) throw error;
    // Said below.
  }
  const before = text === '' ? '(end of string)' : text.slice(0, 20);
  throw refusedByServer(
    500,
    `malformed JSON string, neither tag, array, object, number, string or atom, at character offset 0 (before "${before}")`,
  );
}

/** The one route that takes a file. */
const UPLOAD = /^\/api2\/[^?]*\/upload(?:\?|$)/;

/** What a body may be, besides a file with its parts; none named is a form. */
const FORMS: ReadonlySet<string> = new Set(['', 'application/x-www-form-urlencoded', 'application/json']);

/** Where the API's proxy puts files that come in, as far as its daemon and the schema know. */
const UPLOADS = '/var/tmp';

/** Where a file that came in really is. */
export const uploadedFile = (tmpfilename: string, folder: string): string =>
  join(folder, basename(tmpfilename));

/**
 * Takes a form with a file apart as it comes in. The file stands under `tmpfilename`, its name under `filename`, as
 * the API's proxy hands them to its daemon; who takes it moves it away.
 */
async function readParts(
  request: IncomingMessage,
  boundary: string,
  folder: string,
): Promise<Record<string, ParamValue>> {
  const params: Record<string, ParamValue> = Object.create(null);
  const reader = new PartReader(request, boundary);
  await mkdir(folder, { recursive: true });
  try {
    for (let head = await reader.head(); head !== null; head = await reader.head()) {
      const name = /\bname="([^"]*)"/i.exec(head)?.[1] ?? '';
      const filename = /\bfilename="([^"]*)"/i.exec(head)?.[1];
      if (filename === undefined) {
        const pieces: Buffer[] = [];
        for await (const piece of reader.content()) pieces.push(piece);
        params[name] = Buffer.concat(pieces).toString('utf8');
        continue;
      }
      params.filename = filename;
      params.tmpfilename = `${UPLOADS}/pveupload-${randomBytes(16).toString('hex')}`;
      const file = uploadedFile(params.tmpfilename, folder);
      // Opened before anything is read: a file that appears after its removal would stay.
      await using out = await open(file, 'wx', 0o600);
      await out.writeFile(reader.content());
    }
  } catch (error) {
    if (typeof params.tmpfilename === 'string')
      await rm(uploadedFile(params.tmpfilename, folder), { force: true });
    throw error;
  }
  return params;
}

class PartReader {
  readonly #source: AsyncIterator<Buffer>;
  readonly #mark: Buffer;
  #held: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>, boundary: string) {
    this.#source = source[Symbol.asyncIterator]();
    this.#mark = Buffer.from(`\r\n--${boundary}`);
    // The first boundary has no line break before it.
    this.#held = Buffer.from('\r\n');
  }

  /** Headers of the next part; null: there is none. */
  async head(): Promise<string | null> {
    for await (const _ of this.content());
    this.#held = this.#held.subarray(this.#mark.length);
    while (this.#held.length < 2) await this.#more();
    if (this.#held.subarray(0, 2).toString() === '--') {
      // What follows the last boundary says nothing.
      while (!(await this.#source.next()).done);
      return null;
    }
    for (;;) {
      const end = this.#held.indexOf('\r\n\r\n');
      if (end >= 0) {
        const text = this.#held.subarray(0, end).toString('utf8');
        this.#held = this.#held.subarray(end + 4);
        return text;
      }
      if (this.#held.length > 64 * 1024) throw new ApiError(400, 'Bad Request - part without headers');
      await this.#more();
    }
  }

  /** Content up to the next boundary, which stays. */
  async *content(): AsyncGenerator<Buffer> {
    for (;;) {
      const at = this.#held.indexOf(this.#mark);
      if (at >= 0) {
        if (at > 0) yield this.#held.subarray(0, at);
        this.#held = this.#held.subarray(at);
        return;
      }
      const free = this.#held.length - this.#mark.length;
      if (free > 0) {
        yield this.#held.subarray(0, free);
        this.#held = this.#held.subarray(free);
      }
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    const { done, value } = await this.#source.next();
    if (done) throw new ApiError(400, 'Bad Request - upload ended early');
    this.#held = this.#held.length === 0 ? value : Buffer.concat([this.#held, value]);
  }
}
