import { type Logger as PinoLogger, pino, destination as pinoDestination } from 'pino';

export type Logger = PinoLogger;

/** Fields that must never reach a log. */
const SECRETS = [
  'password',
  'new_password',
  'current_password',
  'access_token',
  'refresh_token',
  'token',
  'secret',
  'key',
  'req.headers.authorization',
  'req.headers.cookie',
  'req.headers["x-api-key"]',
];

/** Bytes that may wait for a reader of stdout that has fallen behind, or for a disk; more is dropped. */
const MOST_WAITING = 1024 * 1024;
let shared: ReturnType<typeof pinoDestination> | null = null;

/**
 * Stdout, one for all loggers of the process. A log never ends the process and never holds it up: a pipe that nobody
 * reads any more (EPIPE), a full disk behind it (ENOSPC), a reader that has stopped (EAGAIN) are its own affair.
 */
function stdout() {
  if (!shared) {
    shared = pinoDestination({
      dest: 1,
      sync: true,
      maxLength: MOST_WAITING,
      retryEAGAIN: () => false,
    } as never);
    shared.on('error', () => {});
  }
  return shared;
}

/** One JSON line per entry on stdout (or `destination`), with the service's name. */
export function createLogger(options: {
  service: string;
  level?: string;
  destination?: { write(line: string): void };
}): Logger {
  const settings = {
    level: options.level ?? 'info',
    base: { service: options.service },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: SECRETS, censor: '[removed]' },
  };
  return pino(settings, options.destination ?? stdout());
}
