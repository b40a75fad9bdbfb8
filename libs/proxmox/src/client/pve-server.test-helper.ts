import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Exchange } from '../golden.test-helper.ts';
import type { Clock } from './clock.ts';

/** A self-signed certificate for loopback, made for this run. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
  readonly fingerprint: string;
}

export function makeCertificate(): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'psa-cert-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  try {
    const subject = ['-subj', '/CN=pve1.test', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    execFileSync('/usr/bin/openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert], {
      stdio: 'pipe',
    });
    const text = readFileSync(cert, 'utf8');
    return {
      key: readFileSync(key, 'utf8'),
      cert: text,
      fingerprint: new X509Certificate(text).fingerprint256,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A request as the server got it. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly raw: Buffer;
  readonly form: URLSearchParams;
}

/** What the server does: answers, or breaks the connection (before or within the answer), or says nothing. */
export type Reply =
  | { readonly status?: number; readonly reason?: string; readonly body?: unknown }
  | 'break'
  | 'half'
  | 'silence';

export const ok = (data: unknown): Reply => ({ body: { data } });
export const failed = (reason: string, status = 500, errors?: Record<string, string>): Reply => ({
  status,
  reason,
  body: { data: null, message: `${reason}\n`, ...(errors ? { errors } : {}) },
});

/** The answer of a recorded exchange. */
export const recorded = (exchange: Exchange): Reply => ({
  status: exchange.status!,
  reason: exchange.reason!,
  body: exchange.body,
});

/** A node's API on loopback: real TLS, real sockets. */
export class PveServer {
  readonly received: Received[] = [];
  port = 0;
  reply: (request: Received, nth: number) => Reply | Promise<Reply> = () => failed('not set', 500);
  readonly #server: Server;

  constructor(certificate: Certificate) {
    this.#server = createServer(certificate, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('error', () => {});
      request.on('end', async () => {
        const url = new URL(request.url!, 'https://x');
        const raw = Buffer.concat(chunks);
        const received = {
          method: request.method!,
          path: url.pathname.replace(/^\/api2\/json/, ''),
          query: url.searchParams,
          headers: request.headers,
          raw,
          form: new URLSearchParams(raw.toString('latin1')),
        };
        this.received.push(received);
        const reply = await this.reply(received, this.received.length);
        if (reply === 'silence') return;
        if (reply === 'break') {
          request.socket.destroy();
          return;
        }
        if (reply === 'half') {
          response.writeHead(200, 'OK', { 'content-length': '100' });
          response.write('{"data":', () => request.socket.destroy());
          return;
        }
        const { status = 200, reason = 'OK', body = '' } = reply;
        const json = typeof body !== 'string';
        response.writeHead(status, reason, json ? { 'content-type': 'application/json;charset=UTF-8' } : {});
        response.end(json ? JSON.stringify(body) : body);
      });
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

/** A clock that stands still but for what is slept. */
export class TestClock implements Clock {
  readonly slept: number[] = [];
  #now = 0;

  now(): number {
    return this.#now;
  }

  advance(ms: number): void {
    this.#now += ms;
  }

  async sleep(ms: number): Promise<void> {
    this.slept.push(ms);
    this.#now += ms;
  }

  random(): number {
    return 0.5;
  }
}
