import { closeSync, fstatSync, mkdirSync, openSync, renameSync, write, writeSync } from 'node:fs';
import { join } from 'node:path';

const MAX_BYTES = 50 * 1024 * 1024;
const FLUSH_EVERY_MS = 1_000;
const FLUSH_AT_BYTES = 4_096;
/** What waits for a disk that does not take it; more is dropped and counted. */
const MOST_WAITING = 1024 * 1024;

/** Where the JSON log goes. */
export interface LogFile {
  /** Takes whole lines; never throws. */
  readonly stream: { write(line: string): void };
  /** Writes what is still in memory. */
  close(): void;
}

/**
 * `<data>/logs/psa.log`; at 50 MiB it becomes `psa.log.1` (the one before is dropped) and a new one begins.
 *
 * A log never ends the process and never holds it up: what the disk does not take (it is full, or not writable) is
 * dropped, tried again with the next lines, and how many are missing stands in the log afterwards. Pino's own
 * destination ends the process in this case by an error that nobody hears, and then waits for ever at the exit for
 * room to flush.
 */
export function openLogFile(dataDir: string): LogFile {
  const folder = join(dataDir, 'logs');
  const path = join(folder, 'psa.log');
  let fd: number | null = null;
  let waiting = '';
  let lost = 0;
  let writing = false;

  /** The open file, a new one when the old one is large enough; null when it cannot be had just now. */
  function file(): number | null {
    try {
      if (fd === null) {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        fd = openSync(path, 'a', 0o600);
      }
      if (fstatSync(fd).size < MAX_BYTES) return fd;
      closeSync(fd);
      fd = null;
      renameSync(path, `${path}.1`);
      fd = openSync(path, 'a', 0o600);
    } catch {
      // Said by the count of lost lines once it can be said.
    }
    return fd;
  }
  const count = (text: string) => text.split('\n').length - 1;
  const note = () =>
    `${JSON.stringify({ level: 40, time: new Date().toISOString(), service: 'embedded', lost, msg: 'the log could not be written; lines are missing' })}\n`;
  const take = () => {
    const text = lost > 0 ? note() + waiting : waiting;
    const lines = count(waiting);
    waiting = '';
    return { text, lines };
  };

  function flush(): void {
    if (writing || waiting === '') return;
    const target = file();
    const { text, lines } = take();
    if (target === null) {
      lost += lines;
      return;
    }
    writing = true;
    write(target, text, (error, written) => {
      writing = false;
      // Half a line may stand there now; the next note begins a line of its own.
      if (error || written < Buffer.byteLength(text)) lost += lines;
      else lost = 0;
      if (!error && waiting.length >= FLUSH_AT_BYTES) flush();
    });
  }

  function flushNow(): void {
    const target = waiting === '' ? null : file();
    if (target === null) return;
    const { text } = take();
    try {
      writeSync(target, text);
    } catch {
      // The process ends; there is nobody left to tell.
    }
  }

  file();
  const timer = setInterval(flush, FLUSH_EVERY_MS);
  timer.unref();
  process.on('exit', flushNow);
  return {
    stream: {
      write(line) {
        if (waiting.length > MOST_WAITING) {
          lost++;
          return;
        }
        waiting += line;
        if (waiting.length >= FLUSH_AT_BYTES) flush();
      },
    },
    close() {
      clearInterval(timer);
      process.off('exit', flushNow);
      flushNow();
      if (fd !== null && !writing) closeSync(fd);
      fd = null;
    },
  };
}
