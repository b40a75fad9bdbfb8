import { statfs } from 'node:fs/promises';
import { MIB } from '@psa/contracts/limits';
import { AppError } from '@psa/service-kit/errors';

/**
 * Room that is kept for what must be written to go on at all: PostgreSQL's log of a checkpoint (segments of 16 MiB),
 * its statistics, ours. With less, changes are refused before PostgreSQL has to stop (a full disk is a PANIC there).
 */
export const RESERVE_BYTES = 64 * MIB;
const LOOK_EVERY_MS = 1_000;

/** How much room the disk of the data has. */
export interface DiskSpace {
  /** The error for a request that changes something; null while there is room. */
  refusal(): AppError | null;
  /** For `/ready`. @throws when there is too little */
  check(): Promise<void>;
  stop(): void;
}

/** Looks once a second, and whenever it is asked whether all is ready. */
export async function watchDisk(folder: string): Promise<DiskSpace> {
  let free = await look(folder);
  const timer = setInterval(() => {
    look(folder).then((bytes) => {
      free = bytes;
    });
  }, LOOK_EVERY_MS);
  timer.unref();
  const words = () =>
    `The disk is full: ${Math.floor(free / MIB)} MiB are left of ${RESERVE_BYTES / MIB} MiB that must be free.`;
  return {
    refusal() {
      if (free >= RESERVE_BYTES) return null;
      const message = `${words()} Nothing can be changed until there is room again; reading goes on.`;
      return new AppError(507, 'STORAGE_FULL', message, { retryAfter: 30 });
    },
    async check() {
      free = await look(folder);
      if (free < RESERVE_BYTES) throw new Error(words());
    },
    stop: () => clearInterval(timer),
  };
}

/** Free bytes for us; a disk that cannot be asked is not called full for that. */
async function look(folder: string): Promise<number> {
  const found = await statfs(folder).catch(() => null);
  return found ? found.bavail * found.bsize : Number.POSITIVE_INFINITY;
}
