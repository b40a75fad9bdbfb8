import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BDUF_TIERS,
  type KeepPolicy,
  PolicyError,
  type RetentionPolicy,
  SAFE_TIERS,
  type Tier,
} from './policy.ts';
import { decideRetention, type RetainedBackup } from './retention.ts';

const RECORDED = new URL('../../../../shared/pve/golden/08-prune-cases.json', import.meta.url);

const backup = (id: string, at: string, more: Partial<RetainedBackup> = {}): RetainedBackup => ({
  ...{ id, at, protected: false, proven: false },
  ...more,
});
const keptOf = (list: readonly RetainedBackup[], policy: RetentionPolicy, now: string) =>
  decideRetention(list, policy, now).keep.map(({ id }) => id);

interface PruneCase {
  readonly input: readonly { readonly ctime: number; readonly volid: string; readonly mark?: 'protected' }[];
  readonly keep: KeepPolicy;
  readonly marks: Readonly<Record<string, 'keep' | 'remove' | 'protected'>>;
}

describe.runIf(existsSync(RECORDED))('beside the prune of Proxmox VE', () => {
  const cases: readonly PruneCase[] = existsSync(RECORDED) ? JSON.parse(readFileSync(RECORDED, 'utf8')) : [];
  const keepsNothing = ({ keep }: PruneCase) => !Object.values(keep).some(Boolean);

  it(`keeps and removes the same in every case`, () => {
    expect(cases.length).toBeGreaterThanOrEqual(100);
    for (const one of cases.filter((each) => !keepsNothing(each))) {
      const list = one.input.map(({ ctime, volid, mark }) => ({
        ...{ id: volid, at: ctime * 1_000, protected: mark === 'protected', proven: false },
      }));
      const { keep, remove } = decideRetention(list, { ...one.keep, zone: 'UTC' }, Date.UTC(2030, 0));
      const marks = Object.fromEntries([
        ...keep.map(({ id, reasons }) => [id, reasons.includes('protected') ? 'protected' : 'keep']),
        ...remove.map(({ id }) => [id, 'remove']),
      ]);
      expect(marks, JSON.stringify(one.keep)).toEqual(one.marks);
    }
  });

  it('refuses to decide where Proxmox keeps everything because nothing is said', () => {
    const empty = cases.filter(keepsNothing);
    expect(empty.length).toBeGreaterThan(0);
    for (const { keep } of empty) expect(() => decideRetention([], keep, 0)).toThrow(PolicyError);
  });
});

/** What a person with a calendar would keep: the newest days of each tier, from the runs so far. */
function byCalendar(days: readonly string[], tiers: readonly Tier[]): Set<string> {
  const isSunday = (day: string) => new Date(`${day}T12:00:00Z`).getUTCDay() === 0;
  const isFirst = (day: string) => isSunday(day) && Number(day.slice(8)) <= 7;
  const of: Readonly<Record<string, (day: string) => boolean>> = {
    ...{ 'every-day': () => true, sunday: isSunday, 'first-sunday': isFirst },
  };
  return new Set(tiers.flatMap(({ on, keep }) => days.filter(of[on]!).slice(-keep)));
}

describe('fourteen months of daily runs', () => {
  it.each(['Europe/Berlin', 'America/St_Johns', 'Pacific/Apia', 'UTC'])(
    'in %s: every day keeps what the policy says',
    (zone) => {
      for (const tiers of [BDUF_TIERS, SAFE_TIERS]) {
        let list: RetainedBackup[] = [];
        const days: string[] = [];
        let day = Temporal.PlainDate.from('2025-09-01');
        for (let run = 0; run < 425; run++, day = day.add({ days: 1 })) {
          // 02:30 does not exist on one day of the year and exists twice on another.
          const at = day.toZonedDateTime({ timeZone: zone, plainTime: '02:30' });
          days.push(day.toString());
          list.push(backup(day.toString(), at.toInstant().toString()));
          const { keep, remove } = decideRetention(list, { zone, tiers }, at.toInstant().toString());
          expect(new Set(keep.map(({ id }) => id)), `${zone} ${day}`).toEqual(byCalendar(days, tiers));
          const gone = new Set(remove.map(({ id }) => id));
          list = list.filter(({ id }) => !gone.has(id));
        }
        expect(list.length).toBe(byCalendar(days, tiers).size);
      }
    },
  );
});

describe('what stays beside the policy', () => {
  const policy: KeepPolicy = { 'keep-last': 1 };
  const now = '2026-11-30T12:00:00Z';

  it('protected ones, which use nothing up', () => {
    const list = [
      backup('a', '2026-11-28T02:00:00Z'),
      backup('b', '2026-11-29T02:00:00Z', { protected: true }),
      backup('c', '2026-11-30T02:00:00Z', { protected: true }),
    ];
    expect(keptOf(list, policy, now)).toEqual(['a', 'b', 'c']);
  });

  it('what is dated in the future, and it pushes nothing out', () => {
    const list = [backup('good', '2026-11-30T02:00:00Z'), backup('tomorrow', '2026-12-01T02:00:00Z')];
    expect(decideRetention(list, policy, now).keep).toEqual([
      { id: 'good', reasons: ['keep-last', 'the newest good one'] },
      { id: 'tomorrow', reasons: ['dated in the future'] },
    ]);
  });

  it('the one that was made last, though a clock that was set back dates it before others of that day', () => {
    const list = [
      backup('yesterday', '2026-11-29T02:00:00Z'),
      backup('today', '2026-11-30T02:00:00Z'),
      backup('last', '2026-11-29T01:59:00Z', { after: ['yesterday', 'today'] }),
    ];
    const policy = { tiers: [{ name: 'son', on: 'every-day', keep: 2 }] } as const;
    expect(keptOf(list, policy, '2026-11-30T03:00:00Z')).toEqual(['yesterday', 'today', 'last']);
    // Its reason ends with the next one by a right clock.
    const next = [...list, backup('next', '2026-12-01T02:00:00Z')];
    expect(keptOf(next, policy, '2026-12-01T03:00:00Z')).toEqual(['today', 'next']);
  });

  it('the newest good one when all after it are not good, and those too', () => {
    const list = [
      backup('old', '2026-11-27T02:00:00Z'),
      backup('broken', '2026-11-28T01:00:00Z', { good: false }),
      backup('good', '2026-11-28T02:00:00Z'),
      backup('half', '2026-11-29T02:00:00Z', { good: false }),
    ];
    expect(decideRetention(list, policy, now)).toEqual({
      keep: [
        { id: 'good', reasons: ['keep-last', 'the newest good one'] },
        { id: 'half', reasons: ['not good, but nothing newer is'] },
      ],
      remove: [
        { id: 'old', reason: 'not covered by the policy' },
        { id: 'broken', reason: 'not good' },
      ],
    });
  });

  it('the newest proven one', () => {
    const list = [
      backup('first', '2026-11-26T02:00:00Z', { proven: true }),
      backup('proven', '2026-11-27T02:00:00Z', { proven: true }),
      backup('hope', '2026-11-28T02:00:00Z'),
      backup('new', '2026-11-29T02:00:00Z'),
    ];
    expect(keptOf(list, policy, now)).toEqual(['proven', 'new']);
  });

  it('what a kept one cannot be restored without, however far back', () => {
    const list = [
      backup('other', '2026-11-25T02:00:00Z'),
      backup('full', '2026-11-26T02:00:00Z'),
      backup('diff', '2026-11-27T02:00:00Z', { needs: ['full'] }),
      backup('incr', '2026-11-28T02:00:00Z', { needs: ['diff', 'elsewhere'] }),
    ];
    expect(decideRetention(list, policy, now)).toEqual({
      keep: [
        { id: 'full', reasons: ['needed by diff'] },
        { id: 'diff', reasons: ['needed by incr'] },
        { id: 'incr', reasons: ['keep-last', 'the newest good one'] },
      ],
      remove: [{ id: 'other', reason: 'not covered by the policy' }],
    });
  });

  it('no second run of a day: the newest good one stands for it', () => {
    const tiers = [{ name: 'son', on: 'every-day', keep: 2 }] as const;
    const list = [
      backup('morning', '2026-11-28T02:00:00Z'),
      backup('noon', '2026-11-28T12:00:00Z'),
      backup('failed', '2026-11-28T13:00:00Z', { good: false }),
      backup('next', '2026-11-29T02:00:00Z'),
    ];
    expect(keptOf(list, { tiers }, now)).toEqual(['noon', 'next']);
  });

  it('of two of the same moment one by keep-last, as Proxmox VE has it', () => {
    const list = ['a', 'b', 'c'].map((id) => backup(id, '2026-11-29T02:00:00Z'));
    expect(keptOf([backup('old', '2026-11-28T02:00:00Z'), ...list], { 'keep-last': 2 }, now)).toEqual([
      ...['old', 'c'],
    ]);
  });

  it('nothing of nothing', () => {
    expect(decideRetention([], policy, now)).toEqual({ keep: [], remove: [] });
  });
});

describe('a policy that cannot be used names its field', () => {
  it.each<[object, string]>([
    [{}, 'keep-*'],
    [{ 'keep-last': 0, 'keep-daily': 0 }, 'keep-*'],
    [{ 'keep-all': true, 'keep-last': 1 }, 'keep-all'],
    [{ 'keep-last': -1 }, 'keep-last'],
    [{ 'keep-daily': 1.5 }, 'keep-daily'],
    [{ 'keep-dayly': 3 }, 'keep-dayly'],
    [{ 'keep-last': 1, zone: 'Berlin' }, 'zone'],
    [{ tiers: [] }, 'tiers'],
    [{ tiers: [{ name: 'son', on: 'every-day', keep: 0 }] }, 'tiers[0].keep'],
    [{ tiers: [{ name: 'son', on: 'montag', keep: 1 }] }, 'tiers[0].on'],
    [{ tiers: [{ name: ' ', on: 'sunday', keep: 1 }] }, 'tiers[0].name'],
    [{ tiers: BDUF_TIERS, 'keep-last': 90 }, 'keep-last'],
    [{ tiers: 'bduf' }, 'tiers'],
    [{ tiers: undefined }, 'tiers'],
    [{ tiers: [null] }, 'tiers[0]'],
    [{ 'keep-all': 'no' }, 'keep-all'],
    [null as never, 'policy'],
    [undefined as never, 'policy'],
    ['bduf' as never, 'policy'],
    [[] as never, 'policy'],
  ])('%j', (policy, field) => {
    expect(() => decideRetention([], policy as RetentionPolicy, 0)).toThrow(
      expect.objectContaining({ name: 'PolicyError', field }),
    );
  });

  it('and so does a list that cannot be read', () => {
    const twice = [backup('a', '2026-11-28T02:00:00Z'), backup('a', '2026-11-29T02:00:00Z')];
    expect(() => decideRetention(twice, { 'keep-last': 1 }, 0)).toThrow('"a"');
    expect(() => decideRetention([backup('x', 'yesterday')], { 'keep-last': 1 }, 0)).toThrow('at of "x"');
    expect(() => decideRetention([], { 'keep-last': 1 }, 'soon')).toThrow('now');
  });
});

describe('of any list and any policy', () => {
  const item = fc.record({
    at: fc.integer({ min: Date.UTC(2024, 0), max: Date.UTC(2026, 11) }),
    protected: fc.boolean(),
    proven: fc.boolean(),
    good: fc.boolean(),
    needs: fc.array(fc.nat({ max: 30 }).map(String), { maxLength: 2 }),
  });
  const lists = fc
    .array(item, { maxLength: 30 })
    .map((all) => all.map((one, index) => ({ ...one, id: String(index) })));
  const count = fc.integer({ min: 0, max: 5 });
  const policies: fc.Arbitrary<RetentionPolicy> = fc.oneof(
    fc
      .record({
        'keep-last': count,
        'keep-hourly': count,
        'keep-daily': count,
        'keep-weekly': count,
        'keep-monthly': count,
        'keep-yearly': count,
      })
      .filter((keep) => Object.values(keep).some(Boolean))
      .map((keep) => ({ ...keep, zone: 'Europe/Berlin' })),
    fc.constantFrom({ tiers: BDUF_TIERS, zone: 'America/St_Johns' }, { tiers: SAFE_TIERS }),
  );
  const now = Date.UTC(2026, 6);

  it('everything is decided once, the last good and the last proven one stay, and nothing kept lacks what it needs', () => {
    fc.assert(
      fc.property(lists, policies, (list, policy) => {
        const { keep, remove } = decideRetention(list, policy, now);
        const kept = new Set(keep.map(({ id }) => id));
        expect([...keep, ...remove].map(({ id }) => id).toSorted()).toEqual(
          list.map(({ id }) => id).toSorted(),
        );
        expect(keep.every(({ reasons }) => reasons.length > 0)).toBe(true);
        const good = list.filter((one) => one.good && one.at <= now);
        const newest = Math.max(...good.map(({ at }) => at));
        if (good.length > 0) expect(good.some(({ id, at }) => at === newest && kept.has(id))).toBe(true);
        const proven = good.filter((one) => one.proven);
        if (proven.length > 0) expect(proven.some(({ id }) => kept.has(id))).toBe(true);
        for (const one of list) {
          if (one.protected) expect(kept.has(one.id)).toBe(true);
          if (!kept.has(one.id)) continue;
          for (const id of one.needs)
            if (list.some((other) => other.id === id)) expect(kept.has(id)).toBe(true);
        }
      }),
    );
  });

  it('what is decided stays decided: a second decision on what was kept removes nothing that is good', () => {
    fc.assert(
      fc.property(lists, policies, (list, policy) => {
        const { keep } = decideRetention(list, policy, now);
        const kept = new Set(keep.map(({ id }) => id));
        const rest = list.filter(({ id }) => kept.has(id));
        expect(decideRetention(rest, policy, now).remove).toEqual([]);
      }),
    );
  });
});
