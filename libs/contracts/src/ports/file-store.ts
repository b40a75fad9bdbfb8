import type { Readable } from 'node:stream';

/** What is known of a stored file once its last byte is durable. */
export interface StoredFile {
  readonly key: string;
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/**
 * Files of any size, streamed. Keys are chosen by the caller (a UUID), never by the user.
 * Adapters: disk (write to a temporary name, fsync, rename) and PostgreSQL (chunks).
 */
export interface FileStore {
  /** Stores a stream; throws {@link FileTooLarge} past `maxBytes` and leaves nothing behind on any failure. */
  put(tenantId: string, key: string, content: Readable, maxBytes: number): Promise<StoredFile>;
  /** The content, or null when there is no such file. */
  get(tenantId: string, key: string): Promise<Readable | null>;
  delete(tenantId: string, key: string): Promise<void>;
  ping(): Promise<void>;
}

export class FileTooLarge extends Error {
  readonly maxBytes: number;
  constructor(maxBytes: number) {
    super(`The file is larger than ${maxBytes} bytes.`);
    this.maxBytes = maxBytes;
  }
}
