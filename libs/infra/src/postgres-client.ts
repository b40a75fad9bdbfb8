import { connect, type Socket } from 'node:net';
import postgres, { type Options, type Sql } from 'postgres';

/** Where an adapter finds its database: a client that somebody else closes, or an address to open its own. */
export type PostgresSource =
  | { readonly sql: Sql }
  | {
      readonly url: string;
      /** False behind PgBouncer in transaction mode. */
      readonly prepare?: boolean;
      /** A connection that has not answered for so long is given up; default 40,000 ms. */
      readonly silenceMs?: number;
    };

/** Longer than the server lets a statement run (`statement_timeout` of the roles, 30 s): then it has to answer. */
const SILENCE_MS = 40_000;

/**
 * A client of PostgreSQL as every part of the platform has one: it gives up a server that is silent, and comes back soon
 * after it. `idle_timeout`, `max`, names and the like are the caller's.
 */
export function postgresClient(
  url: string,
  { silenceMs = SILENCE_MS, ...options }: Options<Record<string, never>> & { silenceMs?: number },
): Sql {
  // Missing in the types of postgres.js.
  const socket = {
    socket: async () => {
      // Without a way to the server `connect` fails in the next tick, which comes before what waits for a promise: the
      // client would not listen yet. Within a promise it comes after.
      await null;
      return impatientSocket(new URL(url), silenceMs);
    },
  };
  return postgres(url, {
    ...socket,
    connect_timeout: 5,
    keep_alive: 10,
    // The default grows to 20 s, and who comes after the server is back would wait for that.
    backoff: (retries: number) => Math.min(0.05 * 2 ** Math.min(retries, 5), 1),
    onnotice: () => {},
    ...options,
  });
}

/** The client of a source, and how to close it: nothing where it belongs to somebody else. */
export function clientOf(source: PostgresSource, max: number): { sql: Sql; end: () => Promise<void> } {
  if ('sql' in source) return { sql: source.sql, end: async () => {} };
  const { url, prepare = true, silenceMs } = source;
  const sql = postgresClient(url, { max, prepare, idle_timeout: 60, ...(silenceMs && { silenceMs }) });
  return { sql, end: () => sql.end({ timeout: 5 }) };
}

/**
 * A socket that gives up when it is not answered. The other end of a connection may have lost its power: then the
 * kernel repeats what was sent for a quarter of an hour, and the transaction and its place in the pool wait with it. A
 * transaction that says nothing itself for so long may do so; whether its other end lives, keep-alives tell.
 */
function impatientSocket({ hostname, port }: URL, silenceMs: number): Socket {
  const address = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 5432) };
  // The address is for its messages.
  const socket = Object.assign(connect(address), address);
  /** How much had been sent when something came the last time. */
  let answered = 0;
  socket.on('data', () => {
    answered = socket.bytesWritten;
  });
  socket.setTimeout(silenceMs).on('timeout', () => {
    if (socket.bytesWritten > answered)
      socket.destroy(Object.assign(new Error('The database is silent.'), { code: 'ETIMEDOUT' }));
  });
  return socket;
}
