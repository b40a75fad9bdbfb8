import type { Logger } from '@psa/service-kit/log';
import type { Worker } from '@psa/service-kit/worker';

/** Work that an answer must not wait for; stopping the service waits for it. */
export interface Background extends Worker {
  run(what: string, work: () => Promise<unknown>): void;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

export function background(log: Logger): Background {
  const pending = new Set<Promise<unknown>>();
  const idle = async () => {
    while (pending.size > 0) await Promise.all(pending);
  };
  return {
    run(what, work) {
      const task = work()
        .catch((error: unknown) => log.error({ err: error }, `${what} failed`))
        .finally(() => pending.delete(task));
      pending.add(task);
    },
    idle,
    start: async () => {},
    stop: idle,
  };
}
