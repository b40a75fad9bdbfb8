import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRefresher, LIVE_BUDGETS } from './refresher.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A refresher whose rounds are kept; each item costs `price` requests. */
function watched(price = 1, budget = LIVE_BUDGETS.staff as Parameters<typeof createRefresher>[0]['budget']) {
  const rounds: { at: number; items: string[] }[] = [];
  const state = { mayRead: true };
  const begun = Date.now();
  const refresher = createRefresher<string>({
    budget,
    identify: (item) => item,
    mayRead: () => state.mayRead,
    refresh(items) {
      rounds.push({ at: Date.now() - begun, items });
      return items.length * price;
    },
  });
  const requests = () => rounds.reduce((sum, round) => sum + round.items.length * price, 0);
  return { refresher, rounds, requests, state };
}

describe('reads that live events cause', () => {
  it('come soon after a quiet time, a burst in one round', () => {
    const { refresher, rounds } = watched();
    for (let i = 0; i < 100; i += 1) refresher.add(i % 2 ? 'a' : 'b');
    vi.advanceTimersByTime(300);
    expect(rounds).toEqual([{ at: 300, items: ['b', 'a'] }]);
  });

  it.each([
    ['staff', 2],
    ['staff', 7],
    ['customer', 2],
    ['customer', 10],
  ] as const)(
    'stay within a fifth of what %s may ask in an hour of a storm, at %d requests a round',
    (who, price) => {
      const budget = LIVE_BUDGETS[who];
      const { refresher, requests, rounds } = watched(price, budget);
      for (let half = 0; half < 7_200; half += 1) {
        refresher.add('ticket');
        vi.advanceTimersByTime(500);
      }
      expect(requests()).toBeLessThanOrEqual(budget.perHour + budget.burst + price);
      // And what happened last is still read.
      const before = rounds.length;
      vi.advanceTimersByTime(3_600_000);
      expect(rounds.length).toBe(before + 1);
    },
  );

  it('are put off while nobody looks, and made at once when somebody does', () => {
    const { refresher, rounds, state } = watched();
    state.mayRead = false;
    for (let second = 0; second < 3_600; second += 1) {
      refresher.add('a');
      vi.advanceTimersByTime(1_000);
    }
    expect(rounds).toEqual([]);
    state.mayRead = true;
    refresher.wake();
    vi.advanceTimersByTime(300);
    expect(rounds.map((round) => round.items)).toEqual([['a']]);
  });

  it('keep what changed while a round was put off', () => {
    const { refresher, rounds, state } = watched();
    refresher.add('a');
    state.mayRead = false;
    vi.advanceTimersByTime(300);
    refresher.add('b');
    state.mayRead = true;
    refresher.wake();
    vi.advanceTimersByTime(300);
    expect(rounds.map((round) => round.items)).toEqual([['a', 'b']]);
  });

  it('end with the page', () => {
    const { refresher, rounds } = watched();
    refresher.add('a');
    refresher.cancel();
    vi.advanceTimersByTime(10_000);
    expect(rounds).toEqual([]);
  });
});
