import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

/** An answer, whatever its status. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Where requests go. */
export interface Server {
  readonly url: string;
  readonly address: string | null;
  readonly ca: string | null;
}

/** One request. */
export interface Ask {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object | null;
  readonly timeoutMs: number;
}

/** One client: its one connection, kept or opened anew for every request. */
export class Requester {
  readonly #server: Server;
  readonly #base: URL;
  readonly #agent: HttpAgent | HttpsAgent | false;

  constructor(server: Server, keep: boolean) {
    this.#server = server;
    this.#base = new URL(server.url);
    const Agent = this.#base.protocol === 'https:' ? HttpsAgent : HttpAgent;
    this.#agent = keep && new Agent({ keepAlive: true, maxSockets: 1 });
  }

  /** @throws Error whose message is short: the error's code, and whether the connection had been used before */
  send({ method, path, headers, body, timeoutMs }: Ask): Promise<Answer> {
    const text = body === null ? null : JSON.stringify(body);
    const { address, ca } = this.#server;
    const secure = this.#base.protocol === 'https:';
    const options: RequestOptions & { rejectUnauthorized?: boolean; ca?: string } = {
      method,
      path,
      headers: {
        ...headers,
        ...(text !== null && {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(text),
        }),
      },
      hostname: this.#base.hostname,
      port: this.#base.port || (secure ? 443 : 80),
      agent: this.#agent,
      ...(address !== null && {
        lookup: (_name, { all }, done) =>
          all ? done(null, [{ address, family: 4 }]) : done(null, address, 4),
      }),
      ...(secure && (ca === null ? { rejectUnauthorized: false } : { ca })),
    };
    return new Promise((resolve, reject) => {
      const request = (secure ? httpsRequest : httpRequest)(options);
      const timer = setTimeout(() => request.destroy(failure('no answer in time')), timeoutMs);
      const fail = (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        reject(failure(`${error.code ?? error.message}${request.reusedSocket ? ', kept connection' : ''}`));
      };
      request.on('error', fail);
      request.on('response', (response: IncomingMessage) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', fail);
        response.on('end', () => {
          clearTimeout(timer);
          resolve({ status: response.statusCode!, text: Buffer.concat(chunks).toString() });
        });
      });
      request.end(text ?? undefined);
    });
  }

  close(): void {
    if (this.#agent) this.#agent.destroy();
  }
}

const failure = (message: string) => new Error(message);
