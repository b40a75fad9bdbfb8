import { setTimeout as sleep } from 'node:timers/promises';
import { type HealthChecks, runChecks } from './health.ts';
import type { Logger } from './log.ts';

/** A dependency that has not answered. */
export interface Failing {
  readonly name: string;
  /** For how long that was seen, in milliseconds. */
  readonly forMs: number;
}

/** Whether the process should end, so that systemd starts it anew. */
export type Verdict =
  /** All is well, or it is too early to tell. */
  | { readonly kind: 'wait' }
  /** Nothing that a restart would mend. */
  | { readonly kind: 'stay'; readonly reason: string }
  | { readonly kind: 'restart'; readonly reason: string };

/** Exit code of a process that ends to be started anew (EX_TEMPFAIL of sysexits.h). */
export const EXIT_UNREADY = 75;

/** How long `/ready` may say no before it is asked whose fault that is. */
const PATIENCE_MS = 60_000;
/** The same for a process that has never been ready: what a restart did not mend, the next one hardly will. */
const FIRST_PATIENCE_MS = 600_000;

/**
 * Whether a process that is not ready helps itself by a restart. Only where the fault is its own: it has failed to
 * reach something for a minute that answers on a fresh connection. A dependency that is truly away is waited for; to be
 * restarted every minute while it is would cost what still works without it.
 *
 * @param fresh names of those that answer on a fresh connection; null when that has not been tried
 */
export function restartVerdict(
  failing: readonly Failing[],
  wasReady: boolean,
  fresh: ReadonlySet<string> | null,
): Verdict {
  const patience = wasReady ? PATIENCE_MS : FIRST_PATIENCE_MS;
  const late = failing.filter((one) => one.forMs >= patience);
  if (late.length === 0) return { kind: 'wait' };
  const named = (some: readonly Failing[]) =>
    some.map((one) => `${one.name} (${Math.round(one.forMs / 1_000)} s)`).join(', ');
  const own = late.filter((one) => fresh?.has(one.name));
  if (own.length > 0)
    return {
      kind: 'restart',
      reason: `not ready: ${named(own)}, though it answers on a fresh connection`,
    };
  return { kind: 'stay', reason: `not ready: ${named(late)}; a restart would not help` };
}

export interface SelfWatchOptions {
  /** What `/ready` asks. */
  readonly checks: HealthChecks;
  /** The same, each on a connection that is made for it; those that are missing here are never a reason. */
  readonly fresh: HealthChecks;
  readonly log: Logger;
  /** Ends the process in order, with a code that is not 0. */
  readonly restart: (reason: string) => void;
  /** Between two looks; default 5,000 ms. */
  readonly everyMs?: number;
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number;
}

/** A fresh connection may need more than one try. */
const FRESH_LIMIT_MS = 10_000;
/**
 * A look stands for no more time than this, two of them and the longest question between. What was not looked at does
 * not count: a container that was frozen for an hour comes back with dead connections and has done nothing wrong.
 */
const MOST_BETWEEN_MS = 20_000;
/** The reason to stay is repeated after so many looks. */
const REPEAT_LOOKS = 60;

/** Looks at the process's readiness by the clock. For processes of their own; never where several services share one. */
export class SelfWatch {
  readonly #options: SelfWatchOptions;
  /** Of what fails: for how long it was seen to. */
  readonly #failed = new Map<string, number>();
  #lookedAt: number | null = null;
  #wasReady = false;
  #stays = 0;
  #timer: NodeJS.Timeout | undefined;
  #looking = false;

  constructor(options: SelfWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), this.#options.everyMs ?? 5_000);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** One look; resolves with what it came to. */
  async look(): Promise<Verdict> {
    if (this.#looking) return { kind: 'wait' };
    this.#looking = true;
    try {
      const { checks, log, restart } = this.#options;
      const failing = this.#failing(await runChecks(checks));
      let verdict = restartVerdict(failing, this.#wasReady, null);
      if (verdict.kind !== 'wait')
        verdict = restartVerdict(failing, this.#wasReady, await this.#fresh(failing));
      if (verdict.kind !== 'stay') this.#stays = 0;
      else if (this.#stays++ % REPEAT_LOOKS === 0) log.warn(verdict.reason);
      if (verdict.kind === 'restart') {
        log.error(`${verdict.reason}: ending, to be started anew`);
        restart(verdict.reason);
      }
      return verdict;
    } finally {
      this.#looking = false;
    }
  }

  #failing(results: Readonly<Record<string, { status: string }>>): readonly Failing[] {
    const now = (this.#options.now ?? performance.now.bind(performance))();
    const passed = Math.min(now - (this.#lookedAt ?? now), MOST_BETWEEN_MS);
    this.#lookedAt = now;
    for (const [name, { status }] of Object.entries(results)) {
      const before = this.#failed.get(name);
      if (status === 'ok') this.#failed.delete(name);
      else this.#failed.set(name, before === undefined ? 0 : before + passed);
    }
    if (this.#failed.size === 0) this.#wasReady = true;
    return [...this.#failed].map(([name, forMs]) => ({ name, forMs }));
  }

  async #fresh(failing: readonly Failing[]): Promise<ReadonlySet<string>> {
    const { fresh } = this.#options;
    const wanted = failing.flatMap(({ name }) => (fresh[name] ? [[name, fresh[name]] as const] : []));
    const results = await runChecks(Object.fromEntries(wanted), FRESH_LIMIT_MS);
    return new Set(Object.keys(results).filter((name) => results[name]?.status === 'ok'));
  }
}

/** Something that can be asked whether it is there: a port, made for the question. */
interface Fresh {
  ping(): Promise<void>;
  close?(): Promise<void>;
}

/** A check that makes a connection, asks over it until it answers, and closes it. */
export function freshCheck(make: () => Promise<Fresh> | Fresh): () => Promise<void> {
  return async () => {
    const one = await make();
    const until = performance.now() + FRESH_LIMIT_MS;
    try {
      for (;;) {
        try {
          return await one.ping();
        } catch (error) {
          if (performance.now() > until) throw error;
          await sleep(200);
        }
      }
    } finally {
      await one.close?.().catch(() => {});
    }
  };
}
