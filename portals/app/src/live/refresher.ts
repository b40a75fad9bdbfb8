/** What a refresher may spend on reads, and how quickly it does. */
export interface RefreshBudget {
  /** Reads that may be made in one go after a quiet time. */
  burst: number;
  /** Reads an hour in the long run. */
  perHour: number;
  /** Milliseconds for which changes are gathered before they are read. */
  gather: number;
  /** Least time between two rounds, in ms. */
  spacing: number;
}

/**
 * A fifth of the requests that a person may make an hour (5,000 and 1,000): a page that is merely open locks nobody out.
 * Two comments a second on an open dashboard made 13,203 requests an hour when each was read at once.
 */
export const LIVE_BUDGETS = {
  staff: { burst: 30, perHour: 1_000, gather: 300, spacing: 2_000 },
  customer: { burst: 15, perHour: 200, gather: 300, spacing: 2_000 },
} as const satisfies Record<string, RefreshBudget>;

export interface RefresherOptions<T> {
  budget: RefreshBudget;
  /** Reads anew what `items` stand for; gives the number of requests that this takes. */
  refresh: (items: T[]) => number;
  identify: (item: T) => string;
  /** False: nothing is read, what changes is kept (nobody looks; the platform takes no requests). */
  mayRead: () => boolean;
  now?: () => number;
}

export interface Refresher<T> {
  add(item: T): void;
  /** Looks again whether it may read (the page was opened again, the limit is over). */
  wake(): void;
  cancel(): void;
}

/**
 * Turns a stream of changes, however fast, into few reads. Distinct changes are gathered and read at once; each round
 * is paid from the budget, and when that is used up the next one waits until it has grown again. Nothing is lost: what
 * changed meanwhile is read in the next round.
 */
export function createRefresher<T>(options: RefresherOptions<T>): Refresher<T> {
  const { budget, now = Date.now } = options;
  const pending = new Map<string, T>();
  let purse = budget.burst;
  let countedAt = now();
  let lastRound = Number.NEGATIVE_INFINITY;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function grow(): void {
    const at = now();
    purse = Math.min(budget.burst, purse + ((at - countedAt) * budget.perHour) / 3_600_000);
    countedAt = at;
  }

  function plan(): void {
    if (timer !== undefined || pending.size === 0 || !options.mayRead()) return;
    grow();
    // A round may be dearer than what is there; the debt is paid back before the next one.
    const wait = purse >= 1 ? 0 : ((1 - purse) * 3_600_000) / budget.perHour;
    timer = setTimeout(round, Math.max(budget.gather, lastRound + budget.spacing - now(), wait));
  }

  function round(): void {
    timer = undefined;
    if (!options.mayRead()) return;
    const items = [...pending.values()];
    pending.clear();
    grow();
    lastRound = now();
    purse -= options.refresh(items);
    plan();
  }

  return {
    add(item) {
      pending.set(options.identify(item), item);
      plan();
    },
    wake: plan,
    cancel() {
      clearTimeout(timer);
      timer = undefined;
      pending.clear();
    },
  };
}
