import { rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Params } from '@psa/proxmox/schema/api-schema';
import { ApiError, refusedByServer } from '../errors.ts';
import { asWritten, parseForm, readBody, uploadedFile } from './body.ts';
import { type ApiAnswer, answerOf, type Dispatcher } from './dispatcher.ts';

/** Where a node's API answers, and with which certificate. */
export interface ApiEndpoint {
  readonly node: string;
  /** For programs of the machine, as in `127.77.0.11`; null: only the socket. */
  readonly host: string | null;
  readonly port: number;
  /** Unix socket that what comes from inside the lab is forwarded to; null: none. */
  readonly socket: string | null;
  readonly key: string;
  readonly certificate: string;
}

/** The API of one node: the same service on its address and on its socket. */
export class ApiServer {
  readonly #endpoint: ApiEndpoint;
  readonly #dispatcher: Dispatcher;
  readonly #uploads: string;
  #servers: Server[] = [];

  constructor(endpoint: ApiEndpoint, dispatcher: Dispatcher, uploads: string) {
    this.#endpoint = endpoint;
    this.#dispatcher = dispatcher;
    this.#uploads = uploads;
  }

  /** Port of the address; null: it does not listen there. */
  get port(): number | null {
    for (const server of this.#servers) {
      const address = server.address();
      if (typeof address === 'object' && address !== null) return address.port;
    }
    return null;
  }

  async start(): Promise<void> {
    const { host, port, socket } = this.#endpoint;
    if (socket !== null) rmSync(socket, { force: true });
    const places = [
      ...(host === null ? [] : [{ host, port }]),
      ...(socket === null ? [] : [{ path: socket }]),
    ];
    for (const place of places) {
      const server = this.#create();
      this.#servers.push(server);
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(place, resolve);
      });
    }
  }

  /** Cuts all connections at once, as a node does that loses power. */
  async stop(): Promise<void> {
    const servers = this.#servers;
    this.#servers = [];
    await Promise.all(
      servers.map(
        (server) =>
          new Promise<void>((resolve) => {
            server.close(() => resolve());
            server.closeAllConnections();
          }),
      ),
    );
  }

  #create(): Server {
    const { key, certificate } = this.#endpoint;
    const server = createServer({ key, cert: certificate }, (request, response) => {
      void this.#serve(request, response);
    });
    // An upload takes as long as it takes.
    server.requestTimeout = 0;
    server.keepAliveTimeout = 60_000;
    return server;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      send(response, await this.#answer(request));
    } catch (error) {
      // The connection is of no more use: its body was not read to the end.
      response.setHeader('connection', 'close');
      const known = error instanceof ApiError ? error : new ApiError(500, (error as Error).message);
      send(response, answerOf(known));
    }
  }

  async #answer(request: IncomingMessage): Promise<ApiAnswer> {
    const method = request.method ?? 'GET';
    const url = request.url ?? '/';
    const mark = url.indexOf('?');
    const [path, query] = mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)];
    const [, rest] = /^\/api2\/(?:json|extjs)(\/.*)?$/.exec(path) ?? [];
    if (rest === undefined)
      throw new ApiError(path.startsWith('/api2/') ? 501 : 404, `no such file '${path}'`);
    const { authorization, cookie, csrfpreventiontoken: csrf } = request.headers;
    const transfer = request.headers['transfer-encoding'];
    if (!METHODS.has(method)) throw new ApiError(501, `method '${method}' not available`, { body: 'none' });
    if (transfer !== undefined)
      throw refusedByServer(
        501,
        transfer.toLowerCase() === 'chunked'
          ? 'chunked transfer encoding not supported'
          : `Unknown transfer encoding '${transfer}'`,
      );
    const hasBody = Number(request.headers['content-length'] ?? 0) > 0;
    const mayBody = method === 'POST' || method === 'PUT';
    const body: Params = mayBody ? await readBody(request, this.#uploads) : {};
    const given = { ...body, ...parseForm(query) };
    const { _dc: _, ...params } = method === 'GET' ? given : asWritten(given);
    const answer = await this.#dispatcher.handle({
      ...{ entry: this.#endpoint.node, method, path: rest },
      ...{ params, hasBody },
      proof: {
        ...(authorization === undefined ? {} : { authorization }),
        ...(cookie === undefined ? {} : { cookie }),
        ...(typeof csrf === 'string' ? { csrf } : {}),
      },
      address: request.socket.remoteAddress ?? '',
    });
    // A file that came with a refused request is nobody's.
    if (answer.status !== 200 && typeof body.tmpfilename === 'string')
      rmSync(uploadedFile(body.tmpfilename, this.#uploads), { force: true });
    return answer;
  }
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'PUT', 'DELETE']);

function send(response: ServerResponse, answer: ApiAnswer): void {
  const isText = typeof answer.body === 'string';
  const text = answer.body === null ? '' : isText ? String(answer.body) : JSON.stringify(answer.body);
  // After a refusal the connection is of no more use: its body may not have been read to the end.
  if (isText) response.setHeader('connection', 'close');
  response.writeHead(answer.status, answer.reason, {
    ...(answer.body === null || isText ? {} : { 'content-type': 'application/json;charset=UTF-8' }),
    'content-length': String(Buffer.byteLength(text)),
    'cache-control': 'max-age=0',
    pragma: 'no-cache',
    server: 'pve-api-daemon/3.0',
  });
  response.end(text);
}
