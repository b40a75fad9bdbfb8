import { newIdempotencyKey } from '../api/client.ts';
import { ApiError } from '../api/error.ts';

export interface UploadItem {
  readonly file: File;
  /** Stays the same over all attempts, so that a file whose outcome is unknown does not arrive twice. */
  readonly key: string;
  readonly status: 'waiting' | 'sending' | 'done' | 'failed';
  /** Share that has been sent, 0 to 1. */
  readonly share: number;
  readonly error: unknown;
}

/** Sends one file. */
export type SendFile = (
  file: File,
  options: { key: string; onProgress: (share: number) => void },
) => Promise<unknown>;

/** False when trying again could not help: too large, wrong type, no longer allowed. */
export function canRetry(item: UploadItem): boolean {
  if (!(item.error instanceof ApiError)) return true;
  return item.error.transient || item.error.status >= 500 || item.error.status === 401;
}

/** Files that wait to be sent and how far each has got. One after the other, because lines to the office are thin. */
export class UploadQueue {
  #items: readonly UploadItem[] = [];
  #listeners = new Set<() => void>();
  #running: Promise<boolean> | null = null;

  items = (): readonly UploadItem[] => this.#items;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The files chosen now; those that were there keep their state. */
  choose(files: readonly File[]): void {
    const known = new Map(this.#items.map((item) => [item.file, item]));
    this.#publish(
      files.map(
        (file): UploadItem =>
          known.get(file) ?? { file, key: newIdempotencyKey(), status: 'waiting', share: 0, error: null },
      ),
    );
  }

  /** Sends what is not there yet; true when nothing is missing afterwards. A second call joins the first. */
  send(sendFile: SendFile): Promise<boolean> {
    this.#running ??= this.#sendAll(sendFile).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #sendAll(sendFile: SendFile): Promise<boolean> {
    for (const { file, key, status } of this.#items) {
      if (status === 'done' || !this.#items.some((item) => item.file === file)) continue;
      this.#set(file, { status: 'sending', share: 0, error: null });
      try {
        await sendFile(file, { key, onProgress: (share) => this.#set(file, { share }) });
        this.#set(file, { status: 'done', share: 1 });
      } catch (error) {
        this.#set(file, { status: 'failed', error });
      }
    }
    return this.#items.every((item) => item.status === 'done');
  }

  #set(file: File, change: Partial<UploadItem>): void {
    this.#publish(this.#items.map((item) => (item.file === file ? { ...item, ...change } : item)));
  }

  #publish(items: readonly UploadItem[]): void {
    this.#items = items;
    for (const listener of this.#listeners) listener();
  }
}
