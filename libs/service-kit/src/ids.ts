import { randomUUIDv7 } from 'node:crypto';

/** Makes identifiers; injected so that tests can make them predictable. */
export interface Ids {
  /** A new UUIDv7 (RFC 9562): sorts by time of making. */
  uuid(): string;
}

export const systemIds: Ids = { uuid: () => randomUUIDv7() };
