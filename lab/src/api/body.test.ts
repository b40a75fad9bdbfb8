import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asWritten, parseForm, readBody, uploadedFile } from './body.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'psa-body-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A request whose body comes in pieces of a size. */
function request(type: string, body: Buffer, piece = 1000, headers = {}): IncomingMessage {
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; at += piece) pieces.push(body.subarray(at, at + piece));
  const stream = Readable.from(pieces) as unknown as IncomingMessage;
  stream.url = '/api2/json/nodes/pve1/storage/local/upload';
  stream.headers = { 'content-type': type, 'content-length': String(body.length), ...headers };
  return stream;
}

const upload = (content: Buffer) =>
  Buffer.concat([
    Buffer.from(
      '--mark\r\nContent-Disposition: form-data; name="content"\r\n\r\nvztmpl\r\n' +
        '--mark\r\nContent-Disposition: form-data; name="filename"; filename="base_1.0.tar.zst"\r\n\r\n',
    ),
    content,
    Buffer.from('\r\n--mark--\r\n'),
  ]);

describe('the body of a request', () => {
  it('is a form or JSON', async () => {
    const form = request('application/x-www-form-urlencoded', Buffer.from('memory=256&vmid=1&vmid=2'));
    expect(await readBody(form, folder)).toEqual({ memory: '256', vmid: ['1', '2'] });
    const json = request('application/json; charset=utf-8', Buffer.from('{"memory":256,"onboot":true}'));
    expect(await readBody(json, folder)).toEqual({ memory: 256, onboot: true });
    await expect(readBody(request('application/json', Buffer.from('[1]')), folder)).rejects.toThrow(
      'Not a HASH reference',
    );
  });

  it('has no trap in its keys', () => {
    expect(Object.keys(parseForm('__proto__=1'))).toEqual(['__proto__']);
  });

  it.each([
    ['text/plain', 'hello', 506, "upload 'Content-Type 'text/plain' not implemented"],
    ['application/json', '{', 500, 'malformed JSON string'],
    ['application/json', '', 500, 'malformed JSON string'],
  ])('is refused as %s: %j', async (type, text, status, reason) => {
    const refused = readBody(request(type, Buffer.from(text)), folder);
    await expect(refused).rejects.toMatchObject({ status, body: 'text' });
    await expect(refused).rejects.toThrow(reason);
  });

  it('has empty values for none', () => {
    expect(parseForm('comment=&memory=256&a=b=c')).toEqual({ comment: null, memory: '256', a: 'b' });
  });

  it('has empty texts for them once it changes something', () => {
    expect(asWritten(parseForm('comment=&memory=256'))).toEqual({ comment: '', memory: '256' });
  });

  it('has no parts unless it brings a file', async () => {
    const elsewhere = request('multipart/form-data; boundary=mark', upload(Buffer.from('x')));
    elsewhere.url = '/api2/json/pools';
    await expect(readBody(elsewhere, folder)).rejects.toMatchObject({ status: 506, body: 'text' });
  });

  it('brings a file whole, however the pieces fall', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.integer({ min: 1, max: 80 }),
        async (bytes, piece) => {
          const near = Buffer.concat([
            Buffer.from(bytes),
            Buffer.from('\r\n--mar\r\n--'),
            Buffer.from(bytes),
          ]);
          const params = await readBody(
            request('multipart/form-data; boundary=mark', upload(near), piece),
            folder,
          );
          expect(params).toMatchObject({ content: 'vztmpl', filename: 'base_1.0.tar.zst' });
          expect(readFileSync(uploadedFile(String(params.tmpfilename), folder)).equals(near)).toBe(true);
          rmSync(uploadedFile(String(params.tmpfilename), folder));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('that breaks off leaves nothing behind', async () => {
    const broken = upload(Buffer.alloc(5_000)).subarray(0, 3_000);
    await expect(readBody(request('multipart/form-data; boundary=mark', broken), folder)).rejects.toThrow(
      'ended early',
    );
    expect(readdirSync(folder)).toEqual([]);
  });
});
