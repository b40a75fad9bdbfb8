import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestGateway, testGateway } from './test-gateway.test-helper.ts';

const MIB = 1024 * 1024;

describe.each(['in-process', 'http'] as const)('early refusals, services reached %s', (kind) => {
  let test: TestGateway;
  let port: number;
  beforeAll(async () => {
    test = await testGateway(kind, { limits: { anonymousPerMinute: 100_000 } });
    port = Number(new URL(test.url).port);
  });
  afterAll(() => test.close());

  interface Sent {
    readonly method?: string;
    readonly path: string;
    readonly headers: Record<string, string>;
    readonly bytes: number;
    readonly chunked: boolean;
  }

  /** As a plain client does it: everything is sent first, and only then does it read. Returns the answer's text. */
  async function sendThenRead({ method = 'POST', path, headers, bytes, chunked }: Sent): Promise<string> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    // Not read yet: what the server says waits in the kernel's buffer, and a reset would throw it away.
    socket.pause();
    const failed = once(socket, 'error').then(([error]) => error as Error);
    const lines = Object.entries({
      host: 'psa.test',
      connection: 'close',
      ...(chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(bytes) }),
      ...headers,
    }).map(([name, value]) => `${name}: ${value}`);
    socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    const piece = Buffer.alloc(64 * 1024, ' ');
    for (let sent = 0; sent < bytes; sent += piece.length) {
      const part = piece.subarray(0, Math.min(piece.length, bytes - sent));
      if (chunked) socket.write(`${part.length.toString(16)}\r\n`);
      const goOn = socket.write(chunked ? Buffer.concat([part, Buffer.from('\r\n')]) : part);
      if (!goOn) await Promise.race([drained(socket), failed.then((error) => Promise.reject(error))]);
    }
    if (chunked) socket.write('0\r\n\r\n');
    return await text(socket);
  }
  const drained = async (socket: Socket) => {
    await once(socket, 'drain');
  };

  const json = { 'content-type': 'application/json' };
  const form = { 'content-type': 'multipart/form-data; boundary=x' };
  it.each([
    ['nobody signed in', 401, '/api/v1/tickets', json, 3 * MIB, false],
    ['a path that is not there', 404, '/api/v1/nowhere', json, 3 * MIB, false],
    ['a service path that is not there', 404, '/api/v1/tickets/1/nowhere', json, MIB, true],
    ['a method that is not there', 405, '/api/v1/tickets/echo', json, MIB, true],
    ['another type', 415, '/api/v1/tickets', { 'content-type': 'application/xml' }, MIB, true],
    ['an upload that is no form', 415, '/api/v1/tickets/1/attachments', json, 20 * MIB, true],
    ['too large by its length', 413, '/api/v1/tickets', json, 3 * MIB, false],
    ['too large on its way', 413, '/api/v1/tickets', json, 3 * MIB, true],
    [
      'a form that breaks off its reader',
      400,
      '/api/v1/tickets/1/comments/half-read/attachments',
      form,
      20 * MIB,
      true,
    ],
    ['a page', 405, '/', json, 3 * MIB, false],
    ['too large for a stranger', 413, '/api/v1/auth/refresh', json, 64 * 1024, true],
  ] as const)(
    '%s: %i reaches a client that sends everything first',
    async (_name, status, path, type, bytes, chunked) => {
      const signedIn = status === 401 || path.startsWith('/api/v1/auth') ? {} : await test.bearer();
      for (const asChunks of new Set([chunked, true])) {
        const answer = await sendThenRead({
          ...{ path, bytes, chunked: asChunks },
          headers: { ...type, ...signedIn },
        });
        expect(answer.split('\r\n')[0], `${path} ${asChunks}`).toContain(`HTTP/1.1 ${status} `);
        expect(answer).toContain('"request_id"');
      }
    },
  );

  it('a client that asks first is told no before it has sent anything', async () => {
    const socket = connect(port, '127.0.0.1');
    socket.write(
      'POST /api/v1/tickets HTTP/1.1\r\nhost: psa.test\r\nexpect: 100-continue\r\ncontent-length: 3000000\r\n\r\n',
    );
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
    expect(answer).not.toContain('100 Continue');
  });

  it('a client that asks first is told yes where its body is wanted', async () => {
    const socket = connect(port, '127.0.0.1');
    const { authorization } = await test.bearer();
    socket.write(
      `POST /api/v1/tickets HTTP/1.1\r\nhost: psa.test\r\nexpect: 100-continue\r\nauthorization: ${authorization}\r\n` +
        'content-type: application/json\r\ncontent-length: 13\r\nconnection: close\r\n\r\n',
    );
    const [first] = await once(socket, 'data');
    expect(String(first)).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    socket.write('{"title":"x"}');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 201 /);
  });

  it('a method that no server knows is 405 with the error body, and so is a tunnel', async () => {
    for (const line of ['BREW /api/v1/tickets', 'CONNECT psa.test:443', 'PROPFIND /api/v1/auth/refresh']) {
      const socket = connect(port, '127.0.0.1');
      socket.write(`${line} HTTP/1.1\r\nhost: psa.test\r\nconnection: close\r\n\r\n`);
      const answer = await text(socket);
      expect(answer, line).toMatch(/^HTTP\/1\.1 405 /);
      expect(answer.toLowerCase(), line).toMatch(/\r\nallow: .*\bpost\b/);
      expect(answer).toContain('METHOD_NOT_ALLOWED');
    }
  });

  it('what is no HTTP is 400 with the error body', async () => {
    const socket = connect(port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nhost psa\r\n\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 [\s\S]*"INVALID_INPUT"/);
  });
});
