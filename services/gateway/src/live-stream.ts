import type { IncomingMessage } from 'node:http';
import type { BlockList } from 'node:net';
import type { Duplex } from 'node:stream';
import { type LiveMessage, liveChannel } from '@psa/contracts/event-api';
import { grants } from '@psa/contracts/permissions';
import type { Cache } from '@psa/contracts/ports/cache';
import type { Clock } from '@psa/contracts/ports/clock';
import { requestIdOf } from '@psa/service-kit/app';
import { AppError, toAppError } from '@psa/service-kit/errors';
import { systemIds } from '@psa/service-kit/ids';
import type { Logger } from '@psa/service-kit/log';
import type { TokenVerifier } from '@psa/service-kit/tokens';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ApiKeyExchange } from './api-keys.ts';
import { refuse } from './broken-requests.ts';
import { clientOf } from './client-address.ts';
import { credentialOf, type Identity, identify } from './credentials.ts';
import { isSameOrigin } from './csrf.ts';
import { mayEnd, mayLearn } from './live-audience.ts';
import { SeenTickets } from './seen-tickets.ts';
import type { Upstream } from './upstream.ts';

export const STREAM_PATH = '/api/v1/stream';
/** Private use of RFC 6455 §7.4.2: the session is over, sign in anew. */
export const CLOSE_UNAUTHORISED = 4401;
const CLOSE_GOING_AWAY = 1001;
const CLOSE_POLICY = 1008;

export interface LiveStreamOptions {
  readonly cache: Cache;
  readonly verifier: TokenVerifier;
  readonly apiKeys: ApiKeyExchange;
  /** Says who sees which ticket. */
  readonly tickets: Upstream;
  readonly trusted: BlockList;
  readonly clock: Clock;
  readonly log: Logger;
  readonly publicUrl: string;
  /** Between two signs of life; a session that was ended is noticed then. Default 30 s. */
  readonly heartbeatMs?: number;
  /** Bytes that may wait for a slow reader before it is dropped. Default 1 MiB. */
  readonly maxBuffered?: number;
  /** Open streams of one user at most. Default 20. */
  readonly maxPerUser?: number;
}

/**
 * When to look whether a change ended somebody's session: what ends it is written after the change is told of, and
 * for a customer's people by a consumer of that very news.
 */
const LOOKS_MS = [0, 1_000, 5_000];

interface Reader {
  readonly socket: WebSocket;
  readonly identity: Identity;
  alive: boolean;
}

/** The WebSocket that tells portals that something happened, never its content: they fetch what they may see. */
export class LiveStreams {
  readonly #options: LiveStreamOptions;
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: 1024, perMessageDeflate: false });
  readonly #readers = new Map<string, Set<Reader>>();
  readonly #channels = new Map<string, Promise<() => Promise<void>>>();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #seen: SeenTickets<Reader>;
  readonly #looks = new Set<NodeJS.Timeout>();
  #closed = false;

  constructor(options: LiveStreamOptions) {
    this.#options = options;
    this.#seen = new SeenTickets(options.tickets, systemIds, options.log);
    this.#heartbeat = setInterval(() => this.#beat(), options.heartbeatMs ?? 30_000);
    this.#heartbeat.unref();
  }

  /** Open streams, for the metrics. */
  get open(): number {
    return [...this.#readers.values()].reduce((sum, readers) => sum + readers.size, 0);
  }

  /** Answers an upgrade request; other paths are 404. */
  async upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy());
    const fromBrowser = req.headers.origin !== undefined;
    try {
      if (this.#closed) throw new AppError(503, 'SERVICE_UNAVAILABLE', 'Stopping.');
      if (req.url!.split('?')[0] !== STREAM_PATH)
        throw new AppError(404, 'RESOURCE_NOT_FOUND', 'No such stream.');
      if (fromBrowser && !isSameOrigin(req, this.#options.publicUrl)) {
        throw new AppError(403, 'CSRF_INVALID', 'This request came from another site.');
      }
      const identity = await this.#identify(req);
      this.#server.handleUpgrade(req, socket, head, (ws) => this.#join(ws, identity));
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.status >= 500) this.#options.log.error({ err: error.cause ?? error }, 'stream refused');
      // A browser hides the status of a refused upgrade from the page, but shows it the code of a close.
      if (error.status === 401 && fromBrowser) {
        this.#server.handleUpgrade(req, socket, head, (ws) => ws.close(CLOSE_UNAUTHORISED, error.code));
        return;
      }
      refuse(socket, error, requestIdOf(req.headers), this.#options.clock.now());
    }
  }

  async #identify(req: IncomingMessage): Promise<Identity> {
    const credential = credentialOf(req);
    if (!credential) throw new AppError(401, 'AUTHENTICATION_REQUIRED', 'Please sign in.');
    const { verifier, apiKeys, trusted } = this.#options;
    const asker = { requestId: requestIdOf(req.headers), address: clientOf(req, trusted).address };
    const identity = await identify(credential, verifier, apiKeys, asker);
    if (!grants(new Set(identity.claims.permissions), 'event:stream')) {
      throw new AppError(403, 'PERMISSION_DENIED', 'This needs the permission event:stream.');
    }
    const own = [...(this.#readers.get(identity.claims.tid) ?? [])].filter(
      (reader) => reader.identity.claims.sub === identity.claims.sub,
    );
    if (own.length >= (this.#options.maxPerUser ?? 20)) {
      throw new AppError(429, 'RATE_LIMIT_EXCEEDED', 'Too many open streams.', { retryAfter: 60 });
    }
    return identity;
  }

  #join(socket: WebSocket, identity: Identity): void {
    const tenant = identity.claims.tid;
    const reader: Reader = { socket, identity, alive: true };
    const readers = this.#readers.get(tenant) ?? new Set();
    this.#readers.set(tenant, readers.add(reader));
    const leftMs = identity.claims.exp * 1000 - this.#options.clock.now().getTime();
    const expiry = setTimeout(() => socket.close(CLOSE_UNAUTHORISED, 'TOKEN_EXPIRED'), Math.max(0, leftMs));
    expiry.unref();
    socket.on('pong', () => {
      reader.alive = true;
    });
    // The stream goes one way; whoever talks has mistaken it for something else.
    socket.on('message', () => socket.close(CLOSE_POLICY, 'This stream takes no messages.'));
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      clearTimeout(expiry);
      readers.delete(reader);
      this.#seen.forget(reader);
      if (readers.size === 0) this.#leave(tenant);
    });
    this.#listen(tenant).then(
      // The greeting says that nothing published from now on is missed.
      () => socket.readyState === socket.OPEN && socket.send('{"type":"ready"}'),
      (error: unknown) => {
        this.#options.log.warn({ err: error }, 'stream: the cache does not answer');
        socket.close(1013, 'Try again later.');
      },
    );
  }

  #listen(tenant: string): Promise<unknown> {
    let channel = this.#channels.get(tenant);
    if (!channel) {
      channel = this.#options.cache.subscribe(liveChannel(tenant), (message) => this.#tell(tenant, message));
      this.#channels.set(tenant, channel);
      channel.catch(() => this.#channels.delete(tenant));
    }
    return channel;
  }

  #leave(tenant: string): void {
    this.#readers.delete(tenant);
    const channel = this.#channels.get(tenant);
    this.#channels.delete(tenant);
    channel?.then((stop) => stop()).catch(() => {});
  }

  #tell(tenant: string, message: string): void {
    const event = JSON.parse(message) as LiveMessage;
    const { id, type, aggregate, occurred_at } = event;
    const text = JSON.stringify({ id, type, aggregate, occurred_at });
    for (const reader of this.#readers.get(tenant) ?? []) {
      const verdict = mayLearn(reader.identity.claims, event);
      if (verdict === 'yes') this.#send(reader, text);
      else if (verdict === 'ask') {
        const send = (seen: string) => this.#send(reader, seen);
        this.#seen.offer(reader, reader.identity.token, send, aggregate.id, text);
      }
    }
    this.#lookAfter(tenant, event);
  }

  #send({ socket, identity }: Reader, text: string): void {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > (this.#options.maxBuffered ?? 1024 * 1024)) {
      this.#options.log.info({ user_id: identity.claims.sub }, 'stream: reader too slow, dropped');
      socket.terminate();
    } else socket.send(text);
  }

  /** Ends the streams of those whose session the event ended, without waiting for the next sign of life. */
  #lookAfter(tenant: string, event: LiveMessage): void {
    const concerned = [...(this.#readers.get(tenant) ?? [])].filter(({ identity }) =>
      mayEnd(identity.claims, event),
    );
    if (concerned.length === 0 || this.#closed) return;
    for (const ms of LOOKS_MS) {
      const look = setTimeout(() => {
        this.#looks.delete(look);
        for (const reader of concerned) this.#endWithSession(reader);
      }, ms);
      look.unref();
      this.#looks.add(look);
    }
  }

  #endWithSession({ socket, identity }: Reader): void {
    if (socket.readyState !== socket.OPEN) return;
    this.#options.verifier.verify(identity.token).catch((error: unknown) => {
      if (error instanceof AppError && error.status === 401) socket.close(CLOSE_UNAUTHORISED, error.code);
    });
  }

  /** Drops readers that gave no sign since the last time, and those whose session was ended. */
  #beat(): void {
    for (const reader of [...this.#readers.values()].flatMap((readers) => [...readers])) {
      if (!reader.alive) {
        reader.socket.terminate();
        continue;
      }
      reader.alive = false;
      reader.socket.ping();
      this.#endWithSession(reader);
    }
  }

  /** Says good-bye to all readers. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#heartbeat);
    for (const look of this.#looks) clearTimeout(look);
    const readers = [...this.#readers.values()].flatMap((members) => [...members]);
    for (const { socket } of readers) socket.close(CLOSE_GOING_AWAY, 'The server stops.');
    const patience = setTimeout(() => {
      for (const { socket } of readers) socket.terminate();
    }, 1_000);
    await Promise.all(
      readers.map(({ socket }) =>
        socket.readyState === socket.CLOSED ? null : new Promise((resolve) => socket.once('close', resolve)),
      ),
    );
    clearTimeout(patience);
    this.#server.close();
  }
}
