import { failure } from '../errors.ts';

/** Locks by name, each held by one at a time, taken in the order of asking. */
export class Locks {
  readonly #tails = new Map<string, Promise<void>>();

  /** Runs `work` while the lock is held. @throws what `late` makes when it is not free in time */
  async hold<T>(name: string, timeoutMs: number, late: () => Error, work: () => T | Promise<T>): Promise<T> {
    const before = this.#tails.get(name) ?? Promise.resolve();
    let release: () => void = () => undefined;
    const mine = new Promise<void>((resolve) => {
      release = resolve;
    });
    const tail = before.then(() => mine);
    this.#tails.set(name, tail);
    void tail.then(() => {
      if (this.#tails.get(name) === tail) this.#tails.delete(name);
    });
    if (!(await inTime(before, timeoutMs))) {
      release();
      throw late();
    }
    try {
      return await work();
    } finally {
      release();
    }
  }

  /** The lock of a container's configuration file, on the node that has it. */
  guest<T>(vmid: number, work: () => T | Promise<T>, timeoutMs = 10_000): Promise<T> {
    const late = () => failure(`can't lock file '/run/lock/lxc/pve-config-${vmid}.lock' - got timeout`);
    return this.hold(`guest-${vmid}`, timeoutMs, late, work);
  }

  /** A lock of the whole cluster, such as `domain-ha` or `file-user_cfg`. */
  cluster<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    const late = () => failure(`cfs-lock '${name}' error: got lock request timeout`);
    return this.hold(`cfs-${name}`, 10_000, late, work);
  }
}

async function inTime(wait: Promise<void>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  try {
    return await Promise.race([wait.then(() => true as const), late]);
  } finally {
    clearTimeout(timer);
  }
}
