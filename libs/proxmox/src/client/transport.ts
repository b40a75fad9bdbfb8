import type { TLSSocket } from 'node:tls';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { addressOf, type Endpoint } from './endpoints.ts';

/** One HTTP request. */
export interface Outgoing {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | AsyncIterable<Uint8Array>;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** Its answer. */
export interface Incoming {
  readonly status: number;
  readonly reason: string;
  readonly text: string;
}

/** No connection came about: not a byte of the request was sent. */
export class ConnectFailure extends Error {
  override readonly name: string = 'ConnectFailure';
}

/** The certificate is not the one that is known, or none is known and no CA vouches for it. */
export class WrongFingerprint extends ConnectFailure {
  override readonly name = 'WrongFingerprint';
  /** What it shows. */
  readonly shown: string;
  /** Whether another one is known: then this may be somebody else, and not only somebody new. */
  readonly isOther: boolean;

  constructor(message: string, shown: string, isOther: boolean) {
    super(message);
    this.shown = shown;
    this.isOther = isOther;
  }
}

/** Connections to the endpoints: TLS by pinned fingerprint, else by CA. There is no way to switch the check off. */
export class Transport {
  readonly #reads: Agent;
  readonly #writes: Agent;

  constructor(endpoints: readonly Endpoint[], options: { ca?: string; connectTimeoutMs: number }) {
    const connect = connector(endpoints, options);
    this.#reads = new Agent({ connect, allowH2: false });
    // A write gets a connection of its own: a kept one that the server is just closing would fail a write that we may
    // not repeat.
    this.#writes = new Agent({ connect, allowH2: false, pipelining: 0 });
  }

  /** Sends a request once and reads the whole answer. */
  async send(endpoint: Endpoint, request: Outgoing): Promise<Incoming> {
    const agent = request.method === 'GET' ? this.#reads : this.#writes;
    const deadline = AbortSignal.timeout(request.timeoutMs);
    const response = await agent.request({
      origin: `https://${addressOf(endpoint)}`,
      path: request.path,
      method: request.method as Dispatcher.HttpMethod,
      headers: request.headers,
      body: (request.body ?? null) as Dispatcher.DispatchOptions['body'],
      signal: request.signal ? AbortSignal.any([request.signal, deadline]) : deadline,
      // The deadline above is the one that counts; it covers the whole exchange.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    return { status: response.statusCode, reason: response.statusText, text: await response.body.text() };
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    await Promise.all([this.#reads.destroy(), this.#writes.destroy()]);
  }
}

const plainHex = (fingerprint: string) => fingerprint.replaceAll(':', '').toLowerCase();

function connector(
  endpoints: readonly Endpoint[],
  options: { ca?: string; connectTimeoutMs: number },
): buildConnector.connector {
  const pins = new Map(
    endpoints.map((endpoint) => [addressOf(endpoint), (endpoint.fingerprints ?? []).map(plainHex)] as const),
  );
  // A resumed session shows no certificate, so none is kept. The check is ours, below, for the answer to be of use.
  const open = buildConnector({
    ...{ timeout: options.connectTimeoutMs, maxCachedSessions: 0, allowH2: false, rejectUnauthorized: false },
    ...(options.ca === undefined ? {} : { ca: options.ca }),
  });
  return (target, callback) => {
    const known =
      pins.get(`${target.hostname}:${target.port}`) ?? pins.get(`[${target.hostname}]:${target.port}`) ?? [];
    open(target, (error, socket) => {
      if (error || !socket) {
        callback(new ConnectFailure(error?.message ?? 'no socket', { cause: error }), null);
        return;
      }
      const tls = socket as TLSSocket;
      const shown = tls.getPeerCertificate().fingerprint256 ?? '';
      // The pin replaces the chain: a node's certificate is signed by the cluster's own CA, or by nobody.
      if (known.length === 0 ? tls.authorized : known.includes(plainHex(shown))) {
        callback(null, socket);
        return;
      }
      const doubt = known.length === 0 ? ` (${tls.authorizationError})` : '';
      socket.destroy();
      const message = `it shows the fingerprint ${shown || '(none)'}${doubt}`;
      callback(new WrongFingerprint(message, shown, known.length > 0), null);
    });
  };
}
