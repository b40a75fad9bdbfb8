import { mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { destination } from 'pino';

const MAX_BYTES = 50 * 1024 * 1024;
const LOOK_EVERY_MS = 60_000;

/** Where the JSON log goes. */
export interface LogFile {
  readonly stream: NodeJS.WritableStream;
  /** Writes what is still in memory. */
  close(): void;
}

/** `<data>/logs/psa.log`; at 50 MiB it becomes `psa.log.1` (the one before is dropped) and a new one begins. */
export function openLogFile(dataDir: string): LogFile {
  const folder = join(dataDir, 'logs');
  const path = join(folder, 'psa.log');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  rotate(path);
  const file = destination({ dest: path, append: true, sync: false, minLength: 4096, periodicFlush: 1_000 });
  const timer = setInterval(() => rotate(path) && file.reopen(), LOOK_EVERY_MS);
  timer.unref();
  return {
    stream: file as unknown as NodeJS.WritableStream,
    close() {
      clearInterval(timer);
      file.flushSync();
      file.end();
    },
  };
}

function rotate(path: string): boolean {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size < MAX_BYTES) return false;
  renameSync(path, `${path}.1`);
  return true;
}
