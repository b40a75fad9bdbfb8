import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BDUF_TIERS, type KeepPolicy, type RetentionPolicy, SAFE_TIERS } from './policy.ts';
import { decideRetention, type RetainedBackup } from './retention.ts';
import { decideSeries, type SeriesBackup } from './series-retention.ts';

const RUNS = { numRuns: 200, endOnFailure: true };
const ZONES = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Pacific/Apia', 'Australia/Lord_Howe'] as const;

/**
 * Proxmox VE's prune, written from its documentation ("Backup Retention" of the Admin Guide): the options are worked off in
 * the order in which they stand; each keeps the newest backup of each of the last n periods that have one; a period of which
 * an option before has kept one is covered and not counted. Of what it keeps nothing else is left than a set of ids.
 */
function byTheBook(
  list: readonly RetainedBackup[],
  keep: KeepPolicy,
  zone: string,
  now: number,
): ReadonlySet<string> {
  const dated = list
    .filter(({ at, protected: isProtected, good }) => Number(at) <= now && !isProtected && good !== false)
    .toSorted((a, b) => Number(b.at) - Number(a.at));
  const part = (options: Intl.DateTimeFormatOptions) => {
    const format = new Intl.DateTimeFormat('en-CA', { timeZone: zone, hourCycle: 'h23', ...options });
    return (at: number) => format.format(at);
  };
  const year = part({ year: 'numeric' });
  const month = part({ year: 'numeric', month: '2-digit' });
  const day = part({ year: 'numeric', month: '2-digit', day: '2-digit' });
  const hour = part({ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit' });
  /** The Monday that begins the week: a week is the same week whatever its number. */
  const week = (at: number) => {
    const date = new Date(`${day(at)}T00:00:00Z`);
    return new Date(date.getTime() - ((date.getUTCDay() + 6) % 7) * 86_400_000).toISOString().slice(0, 10);
  };
  const periods = [
    ['keep-hourly', hour],
    ['keep-daily', day],
    ['keep-weekly', week],
    ['keep-monthly', month],
    ['keep-yearly', year],
  ] as const;
  const kept = new Set(dated.slice(0, keep['keep-last'] ?? 0).map(({ id }) => id));
  const passed = new Set(kept);
  for (const [option, periodOf] of periods) {
    const before = new Set(dated.filter(({ id }) => kept.has(id)).map(({ at }) => periodOf(Number(at))));
    const open = dated.filter(({ id, at }) => !passed.has(id) && !before.has(periodOf(Number(at))));
    const groups = [...Map.groupBy(open, ({ at }) => periodOf(Number(at))).values()];
    for (const group of groups.slice(0, keep[option] ?? 0)) {
      kept.add(group[0]!.id);
      for (const { id } of group) passed.add(id);
    }
  }
  return kept;
}

const now = Date.UTC(2026, 6);
const count = fc.integer({ min: 0, max: 6 });
const keeps: fc.Arbitrary<KeepPolicy> = fc
  .record({
    'keep-last': count,
    'keep-hourly': count,
    'keep-daily': count,
    'keep-weekly': count,
    'keep-monthly': count,
    'keep-yearly': count,
  })
  .filter((keep) => Object.values(keep).some(Boolean));
/** Moments that lie close enough together for hours, days, weeks, and years that begin in a week of the old one. */
const moments = fc.oneof(
  fc.integer({ min: Date.UTC(2023, 0), max: Date.UTC(2026, 8) }),
  fc.integer({ min: Date.UTC(2026, 5, 20), max: Date.UTC(2026, 6, 2) }),
  // Both changes of the clock, and a turn of the year.
  fc.integer({ min: Date.UTC(2025, 9, 25, 20), max: Date.UTC(2025, 9, 26, 6) }),
  fc.integer({ min: Date.UTC(2026, 2, 28, 20), max: Date.UTC(2026, 2, 29, 6) }),
  fc.integer({ min: Date.UTC(2025, 11, 27), max: Date.UTC(2026, 0, 5) }),
);
const backups = fc
  .uniqueArray(
    fc.record({
      at: moments,
      protected: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      proven: fc.boolean(),
      good: fc.integer({ min: 0, max: 4 }).map((n) => n > 0),
      needs: fc.array(fc.nat({ max: 40 }).map(String), { maxLength: 2 }),
    }),
    { selector: ({ at }) => at, maxLength: 40, size: 'max' },
  )
  .map((all) => all.map((one, index) => ({ ...one, id: String(index) })));
const policies: fc.Arbitrary<RetentionPolicy> = fc.oneof(
  fc.tuple(keeps, fc.constantFrom(...ZONES)).map(([keep, zone]) => ({ ...keep, zone })),
  fc.constantFrom(...ZONES).map((zone) => ({ tiers: BDUF_TIERS, zone })),
  fc.constantFrom(...ZONES).map((zone) => ({ tiers: SAFE_TIERS, zone })),
);

describe('what is kept, held against a second reading of the rules', () => {
  it.each(ZONES)("is what Proxmox VE's options keep in %s", (zone) => {
    fc.assert(
      fc.property(backups, keeps, (all, keep) => {
        const list = all.map((one) => ({ ...one, needs: [] }));
        const decided = decideRetention(list, { ...keep, zone }, now).keep;
        const byOption = decided.filter(({ reasons }) =>
          reasons.some((reason) => reason.startsWith('keep-')),
        );
        expect(new Set(byOption.map(({ id }) => id))).toEqual(byTheBook(list, keep, zone, now));
      }),
      RUNS,
    );
  });

  it('does not depend on the order of the list', () => {
    fc.assert(
      fc.property(
        backups.chain((list) =>
          fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
        ),
        policies,
        ([list, shuffled], policy) => {
          const said = (of: readonly RetainedBackup[]) => {
            const { keep, remove } = decideRetention(of, policy, now);
            const reasons = keep.map(({ id, reasons: why }) => [id, why.toSorted()] as const);
            return { keep: Object.fromEntries(reasons), remove: remove.map(({ id }) => id).toSorted() };
          };
          expect(said(shuffled)).toEqual(said(list));
        },
      ),
      RUNS,
    );
  });

  it('of several series lacks nothing that it needs, and stays kept when it is decided again', () => {
    const tiers = fc.constantFrom('son', 'father', 'grandfather', null);
    const list = fc
      .tuple(backups, fc.array(tiers, { minLength: 40, maxLength: 40 }), fc.infiniteStream(fc.boolean()))
      .map(([all, names, sides]) =>
        all.map(
          (one, index): SeriesBackup => ({
            ...{ ...one, tier: names[index]!, series: sides.next().value ? 'pitr' : 'database' },
          }),
        ),
      );
    fc.assert(
      fc.property(list, policies, (all, policy) => {
        const { keep, remove } = decideSeries(all, policy, now);
        const kept = new Set(keep.map(({ id }) => id));
        expect([...kept, ...remove.map(({ id }) => id)].toSorted()).toEqual(
          all.map(({ id }) => id).toSorted(),
        );
        const seriesOf = new Map(all.map(({ id, series }) => [id, series]));
        for (const one of all.filter(({ id }) => kept.has(id)))
          for (const id of one.needs ?? [])
            if (seriesOf.get(id) === one.series)
              expect(kept.has(id), `${id}, needed by ${one.id}`).toBe(true);
        expect(
          decideSeries(
            all.filter(({ id }) => kept.has(id)),
            policy,
            now,
          ).remove,
        ).toEqual([]);
      }),
      RUNS,
    );
  });

  it('is decided of fifty thousand in seconds', () => {
    const list = Array.from({ length: 50_000 }, (_, index) => ({
      ...{ id: String(index), at: now - index * 600_000, protected: false, proven: index % 2 === 0 },
      ...(index > 0 && { needs: [String(index - 1)] }),
    }));
    const began = performance.now();
    const { keep } = decideRetention(list, { tiers: SAFE_TIERS, zone: 'Europe/Berlin' }, now);
    expect(keep.length).toBeGreaterThan(54);
    expect(performance.now() - began).toBeLessThan(60_000);
  });
});
