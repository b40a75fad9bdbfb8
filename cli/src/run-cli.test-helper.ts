import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { Io } from './command.ts';
import { run } from './runner.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly stdin?: string;
  /** Standard input is a terminal, as far as psactl sees. */
  readonly isTerminal?: boolean;
  readonly signal?: AbortSignal;
}

/** Runs psactl in this process, as `psactl <argv>` would, off a terminal unless told. */
export async function runCli(
  argv: readonly string[],
  env: Record<string, string> = {},
  options: RunOptions = {},
): Promise<Ran> {
  const out = { stdout: '', stderr: '' };
  const signing = process.env.PSA_SIGNING_KEY;
  const io: Io = {
    env: { ...(signing && { PSA_SIGNING_KEY: signing }), ...env },
    cwd: options.cwd ?? process.cwd(),
    stdout: { write: (text) => (out.stdout += Buffer.from(text).toString()) },
    stderr: { write: (text) => (out.stderr += Buffer.from(text).toString()) },
    stdin: Object.assign(Readable.from(options.stdin === undefined ? [] : [options.stdin]), {
      isTTY: options.isTerminal === true,
    }),
    signal: options.signal ?? new AbortController().signal,
  };
  const code = await run(argv, io);
  return { code, ...out };
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}
export interface Reply {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  /** Cuts the connection instead of answering. */
  readonly hangUp?: boolean;
}

/** A server that answers as told; `asked` is what came in. */
export async function answering(reply: (asked: Asked) => Reply | Promise<Reply>) {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const one: Asked = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body: text === '' ? null : JSON.parse(text),
    };
    asked.push(one);
    const { status = 200, headers = {}, body = {}, hangUp } = await reply(one);
    if (hangUp) return request.socket.destroy();
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async stop() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/**
 * A folder, and servers that stand in for the platform: `serve` gives the environment that points psactl to one.
 * Call at the top of a test file; each server ends with its test, the folder with the file.
 */
export function standIn() {
  let dir: TempDir;
  let server: Awaited<ReturnType<typeof answering>> | null = null;
  beforeAll(async () => {
    dir = await tempDir('psactl');
  });
  afterAll(() => dir.remove());
  afterEach(async () => {
    await server?.stop();
    server = null;
  });
  return {
    path: (...names: string[]) => join(dir.path, ...names),
    async serve(reply: (asked: Asked) => Reply | Promise<Reply>) {
      server = await answering(reply);
      return { env: { PSA_URL: server.url, PSA_API_KEY: 'psa_k', HOME: dir.path }, asked: server.asked };
    },
  };
}

/** The platform's error body. */
export const no = (
  status: number,
  code: string,
  extra: Partial<Reply> & { details?: object[] } = {},
): Reply => ({
  status,
  ...extra,
  body: {
    error: {
      code,
      message: `It says ${code}.`,
      details: extra.details ?? [],
      request_id: 'req_0123456789',
      timestamp: '2026-01-01T00:00:00Z',
    },
  },
});
