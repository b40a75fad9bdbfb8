import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BDUF_TIERS, PolicyError } from './policy.ts';
import { decideRetention } from './retention.ts';
import { decideSeries, type SeriesBackup } from './series-retention.ts';

const policy = { zone: 'UTC', tiers: BDUF_TIERS };
const backup = (series: string, day: number, more: Partial<SeriesBackup> = {}): SeriesBackup => ({
  ...{ id: `${series}-${day}`, series, at: new Date(Date.UTC(2026, 10, day, 2)).toISOString() },
  ...{ protected: false, proven: false, good: true, tier: null },
  ...more,
});
const kept = (list: readonly SeriesBackup[], now: number) =>
  decideSeries(list, policy, Date.UTC(2026, 10, now, 12)).keep.map(({ id }) => id);

describe('what stays of backups of several things', () => {
  it('is judged among its like: one that is never taken any more keeps its newest', () => {
    const list = [
      ...Array.from({ length: 20 }, (_, index) => backup('database', index + 1)),
      backup('container-300', 2),
    ];
    expect(kept(list, 20)).toContain('container-300-2');
    expect(kept(list, 20)).not.toContain('database-2');
  });

  it('is refused by a policy that keeps nothing, before there is any backup', () => {
    for (const nothing of [{ 'keep-last': 0 }, { tiers: [] }, { 'keep-last': 1, zone: 'Nowhere/Else' }])
      expect(() => decideSeries([], nothing, 0)).toThrow(PolicyError);
  });

  it('takes a moment in whatever form decideRetention does', () => {
    for (const at of ['2026-11-04T03:00:00+01:00[Europe/Berlin]', Date.UTC(2026, 10, 4, 2)])
      expect(
        decideSeries([backup('database', 4, { at, tier: 'father' })], policy, Date.UTC(2027, 0)).remove,
      ).toEqual([]);
  });

  it('has those that somebody took for a generation on another day', () => {
    const daily = Array.from({ length: 20 }, (_, index) => backup('database', index + 1));
    // 4 November 2026 is a Wednesday.
    const list = daily.map((one) => (one.id === 'database-4' ? { ...one, tier: 'father' } : one));
    expect(kept(daily, 20)).not.toContain('database-4');
    expect(kept(list, 20)).toContain('database-4');
    const decision = decideSeries(list, policy, Date.UTC(2026, 10, 20, 12));
    expect(decision.keep.find(({ id }) => id === 'database-4')?.reasons).toEqual(['father, as told']);
  });

  it('is what each series alone would keep, and nothing is decided twice or not at all', () => {
    const one = fc.record({ series: fc.constantFrom('a', 'b'), day: fc.nat(60), good: fc.boolean() });
    fc.assert(
      fc.property(fc.uniqueArray(one, { selector: ({ series, day }) => `${series}${day}` }), (rows) => {
        const list = rows.map(({ series, day, good }) => backup(series, day + 1, { good }));
        const now = Date.UTC(2027, 1, 1);
        const { keep, remove } = decideSeries(list, policy, now);
        expect([...keep, ...remove].map(({ id }) => id).sort()).toEqual(list.map(({ id }) => id).sort());
        const apart = ['a', 'b'].flatMap(
          (series) =>
            decideRetention(
              list.filter((row) => row.series === series),
              policy,
              now,
            ).keep,
        );
        expect(keep.map(({ id }) => id).sort()).toEqual(apart.map(({ id }) => id).sort());
      }),
    );
  });
});
