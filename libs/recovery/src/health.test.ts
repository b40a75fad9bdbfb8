import { describe, expect, it } from 'vitest';
import { age, type FindingKind, findings, type WatchPolicy } from './health.ts';
import type { Watched, WatchedBackup } from './watched.ts';

const ZONE = 'Europe/Berlin';
const POLICY: WatchPolicy = {
  zone: ZONE,
  tiers: [
    { name: 'son', on: 'every-day', time: '02:00', remote: null },
    { name: 'father', on: 'sunday', time: '02:00', remote: null },
    { name: 'grandfather', on: 'first-sunday', time: '02:00', remote: 'offsite:psa' },
  ],
  expected: [
    { series: 'database', every: 'run', unproven_days: 40 },
    { series: 'redis', every: 15, unproven_days: null },
    { series: 'releases', every: 'once', unproven_days: null },
  ],
  grace_minutes: 240,
  offsite_grace_minutes: 24 * 60,
  drills: [{ what: 'verify', days: 9 }],
  wal: { minutes: 5, bytes: 2 ** 30 },
};
/** Monday noon; the first Sunday was the 1st. */
const NOW = Date.parse('2026-11-30T12:00:00Z');
const DAY = 86_400_000;

let count = 0;
function backup(series: string, at: string, more: Partial<WatchedBackup> = {}): WatchedBackup {
  const run = `${at.replace(/[-:]/g, '').slice(0, 15)}Z-${(++count).toString(16).padStart(6, '0')}`;
  return {
    ...{ id: `${series}-${run}`, series, run, at, state: 'good', tier: 'son', bytes: 1000 },
    ...{ duration_ms: 10, proven_at: null, failed: null, is_synced: false },
    ...more,
  };
}
/** Nights of November at 02:00 in Berlin, the newest last. */
const nights = (series: string, from: number, to: number, more: Partial<WatchedBackup> = {}) =>
  Array.from({ length: to - from + 1 }, (_, i) =>
    backup(series, `2026-11-${String(from + i).padStart(2, '0')}T01:00:30.000Z`, more),
  );
const copy = (series: string, at: string) => ({ id: `${series}-x`, series, at, remote: 'offsite:psa' });

/** A site of which nothing is to be said, but for what is given. */
const site = (more: Partial<Watched> = {}): Watched => ({
  backups: [
    ...nights('database', 1, 30, { proven_at: '2026-11-28T03:00:00Z' }),
    backup('redis', '2026-11-30T11:50:00.000Z'),
    backup('releases', '2026-01-01T01:00:00.000Z'),
  ],
  copies: [copy('database', '2026-11-01T01:00:30.000Z'), copy('releases', '2026-01-01T01:00:00.000Z')],
  drills: [{ what: 'verify', at: '2026-11-28T03:00:00Z', ok: true, why: null }],
  wal: {
    lastArchived: { wal: '0000000100000000000000A3', at: '2026-11-30T11:57:00Z' },
    gap: false,
    lagBytes: 0,
  },
  standby: null,
  ...more,
});
const others = (series: string) => site().backups.filter((one) => one.series !== series);
const of = (seen: Watched, kind?: FindingKind, now = NOW, policy = POLICY) =>
  findings(seen, policy, now).filter((one) => kind === undefined || one.kind === kind);
const brief = (list: ReturnType<typeof findings>) =>
  list.map(({ kind, series, severity }) => `${severity} ${kind} ${series}`);

describe('what is wrong with the backups', () => {
  it('is nothing on a site that is as it should be', () => expect(of(site())).toEqual([]));

  it('is that all are missing where there is none; what was not asked is not judged', () => {
    const none: Watched = { backups: [], copies: null, drills: null, wal: null, standby: null };
    expect(brief(of(none))).toEqual(
      ['database', 'redis', 'releases'].map((series) => `critical missing ${series}`),
    );
    expect(of(none)[0]!.text).toBe('There is no good backup of database.');
    expect(findings(none, { ...POLICY, expected: [] }, NOW)).toEqual([]);
  });

  it('is a backup that is missing once its run has had its time', () => {
    const late = (to: number) => site({ backups: [...others('database'), ...nights('database', 1, to)] });
    const at = (moment: string) => of(late(29), 'missing', Date.parse(moment)).map(({ series }) => series);
    // Due on the 30th at 01:00 UTC, and four hours to come.
    expect(at('2026-11-30T04:59:00Z')).not.toContain('database');
    expect(at('2026-11-30T05:01:00Z')).toContain('database');
    const [found] = of(late(29), 'missing');
    expect(found).toMatchObject({ severity: 'critical', figure: 34 * 3600 + 3570 });
    expect(found!.text).toBe('The newest good backup of database is 34 h old; one was due 11 h ago.');
    expect(of(late(30), 'missing')).toEqual([]);
  });

  it('is one that is there and not good; one whose storage does not answer counts', () => {
    const last = (state: WatchedBackup['state']) => [
      ...others('database'),
      ...nights('database', 1, 29),
      ...nights('database', 30, 30, { state }),
    ];
    expect(brief(of(site({ backups: last('elsewhere') }), 'missing'))).toEqual([]);
    for (const state of ['partial', 'damaged', 'gone'] as const)
      expect(brief(of(site({ backups: last(state) }), 'missing'))).toEqual(['critical missing database']);
    expect(brief(of(site({ backups: last('damaged') }), 'damaged'))).toEqual(['critical damaged database']);
    expect(of(site({ backups: last('gone') }), 'damaged')[0]!.text).toContain('is gone');
    expect(brief(of(site({ backups: last('good') }), 'damaged'))).toEqual([]);
  });

  it('is a run that did not end, until a newer one is good', () => {
    const run = '20261130T010000Z-3f9a2c';
    const half = ['configs', 'secrets'].map((series) =>
      backup(series, '2026-11-30T01:01:00.000Z', { run, state: 'partial' }),
    );
    const [found, ...more] = of(site({ backups: [...site().backups, ...half] }), 'partial_run');
    expect(more).toEqual([]);
    expect(found).toMatchObject({ series: run, figure: 2 });
    expect(found!.text).toContain('configs, secrets');
    const mended = half.map(({ series }) => backup(series, '2026-11-30T02:00:00.000Z'));
    expect(of(site({ backups: [...site().backups, ...half, ...mended] }), 'partial_run')).toEqual([]);
  });

  it('is one that is too small against its history', () => {
    const last = (bytes: number, from = 1) => [
      ...others('database'),
      ...nights('database', from, 29),
      ...nights('database', 30, 30, { bytes }),
    ];
    const [found] = of(site({ backups: last(499) }), 'too_small');
    expect(found).toMatchObject({ series: 'database', figure: 499, severity: 'warning' });
    expect(found!.text).toBe('The newest backup of database has 499 bytes; 1000 is usual.');
    expect(of(site({ backups: last(500) }), 'too_small')).toEqual([]);
    // Of two nothing can be said to be usual; three will do.
    expect(of(site({ backups: last(1, 28) }), 'too_small')).toEqual([]);
    expect(of(site({ backups: last(1, 27) }), 'too_small')).toHaveLength(1);
    // One that is broken says nothing of what is usual.
    const broken = last(499).map((one) =>
      one.at < '2026-11-29' ? { ...one, state: 'damaged' as const } : one,
    );
    expect(of(site({ backups: broken }), 'too_small')).toEqual([]);
  });

  it('is one that was not restored for too long, or never', () => {
    const proven = (at: string | null, now = NOW, from = 1) =>
      of(
        site({ backups: [...others('database'), ...nights('database', from, 30, { proven_at: at })] }),
        'unproven',
        now,
      );
    expect(proven('2026-11-01T00:00:00Z')).toEqual([]);
    const [old] = proven('2026-10-01T00:00:00Z');
    expect(old).toMatchObject({ series: 'database', figure: 60.5 * 86_400 });
    expect(old!.text).toContain('60 d ago');
    // Never, and the site is younger than the time that it has; then older.
    expect(proven(null)).toEqual([]);
    expect(proven(null, NOW + 30 * DAY)[0]!.text).toBe('No backup of database was ever restored.');
  });

  it('is one that was restored and was not right, until another one is', () => {
    const tried = (failedAt: string, provenAt: string) => {
      const failed = { at: failedAt, why: 'rows of tickets: 3 in place of 4' };
      const [last, ...rest] = nights('database', 1, 30, { proven_at: provenAt }).toReversed();
      return site({ backups: [...others('database'), ...rest, { ...last!, proven_at: null, failed }] });
    };
    const [found] = of(tried('2026-11-30T03:00:00Z', '2026-11-28T03:00:00Z'));
    expect(found).toMatchObject({ kind: 'restore_failed', severity: 'critical', series: 'database' });
    expect(found!.text).toContain('9 h ago and was not right: rows of tickets: 3 in place of 4.');
    expect(of(tried('2026-11-28T03:00:00Z', '2026-11-30T03:00:00Z'))).toEqual([]);
  });

  it('is a copy outside that is due and not there', () => {
    const seen = (copies: Watched['copies']) => brief(of(site({ copies }), 'offsite_behind'));
    expect(seen(null)).toEqual([]);
    expect(seen([copy('database', '2026-11-01T01:00:30.000Z')])).toEqual(['warning offsite_behind releases']);
    const old = [copy('database', '2026-10-04T00:00:30.000Z'), copy('releases', '2026-01-01T01:00:00Z')];
    expect(seen(old)).toEqual(['warning offsite_behind database']);
    // Another remote's copy is none of this one's.
    expect(seen(old.map((one) => ({ ...one, at: '2026-11-29T01:00:30Z', remote: 'other:' })))).toHaveLength(
      2,
    );
    // A backup server copies by itself.
    const synced = site({ backups: site().backups.map((one) => ({ ...one, is_synced: true })), copies: [] });
    expect(of(synced, 'offsite_behind')).toEqual([]);
    // Whether it does is seen on the other server, where there is one that can be looked at.
    const tiers = POLICY.tiers.map((one) => ({ ...one, remote: null, synced: 'outside' }));
    const expected = [
      { series: 'container-300', every: 'run' as const, unproven_days: null },
      { series: 'pitr', every: 'run' as const, unproven_days: null },
    ];
    const servers = [
      ...nights('container-300', 1, 30, { is_synced: true }),
      ...nights('pitr', 1, 30, { is_synced: true }),
    ];
    const outside = (at: string, remote = 'outside') =>
      findings(
        site({ backups: servers, copies: [{ ...copy('container-300', at), remote }] }),
        { ...POLICY, tiers, expected },
        NOW,
      )
        .filter(({ kind }) => kind === 'offsite_behind')
        .map(({ text }) => text);
    expect(outside('2026-11-29T01:00:30.000Z')).toEqual([]);
    expect(outside('2026-11-20T01:00:30.000Z')[0]).toContain(
      'The newest copy of container-300 on outside is',
    );
    expect(outside('2026-11-29T01:00:30.000Z', 'vault')[0]).toBe('outside has no copy of container-300.');
    // On the Sunday itself the copy has a day to get there.
    const december = (hour: string) =>
      of(site(), 'offsite_behind', Date.parse(`2026-12-07T${hour}:00Z`)).map(({ series }) => series);
    expect(december('00:59')).not.toContain('database');
    expect(december('01:01')).toContain('database');
  });

  it('is a drill that failed, did not end, or is too long ago', () => {
    const seen = (...drills: [at: string, ok: boolean | null][]) =>
      brief(
        of(
          site({
            drills: drills.map(([at, ok]) => ({
              what: 'verify',
              at,
              ok,
              why: ok === false ? 'a sum' : null,
            })),
          }),
        ),
      );
    expect(seen(['2026-11-21T03:00:00Z', false], ['2026-11-28T03:00:00Z', true])).toEqual([]);
    expect(seen(['2026-11-27T03:00:00Z', true], ['2026-11-28T03:00:00Z', false])).toEqual([
      'critical drill_failed verify',
    ]);
    expect(seen(['2026-11-27T03:00:00Z', true], ['2026-11-28T03:00:00Z', null])).toEqual([
      'critical drill_failed verify',
    ]);
    // Under way.
    expect(seen(['2026-11-27T03:00:00Z', true], ['2026-11-30T11:00:00Z', null])).toEqual([]);
    expect(seen(['2026-11-20T03:00:00Z', true])).toEqual(['warning drill_overdue verify']);
    const whenever = { ...POLICY, drills: [{ what: 'verify', days: null }] };
    const failed = { what: 'verify', at: '2026-11-20T03:00:00Z', ok: false, why: 'a sum' };
    expect(brief(of(site({ drills: [failed] }), undefined, NOW, whenever))).toEqual([
      'critical drill_failed verify',
    ]);
    // None yet: overdue when the site is old enough for one.
    expect(seen()).toEqual(['warning drill_overdue verify']);
    expect(brief(of(site({ backups: nights('database', 28, 30), drills: [] }), 'drill_overdue'))).toEqual([]);
  });

  it('is a log with a gap, or one that does not arrive', () => {
    const seen = (wal: Partial<NonNullable<Watched['wal']>>) =>
      brief(of(site({ wal: { ...site().wal!, ...wal } })));
    const at = (moment: string) => ({ lastArchived: { wal: 'x', at: moment } });
    expect(seen({ gap: true })).toEqual(['critical wal_gap wal']);
    expect(seen({ ...at('2026-11-30T11:46:00Z'), lagBytes: 2 ** 24 })).toEqual([]);
    const late = at('2026-11-30T11:44:00Z');
    expect(seen({ ...late, lagBytes: 2 ** 24 })).toEqual(['critical wal_lag wal']);
    expect(seen({ ...late, lagBytes: null })).toEqual(['critical wal_lag wal']);
    // A night in which nobody writes anything.
    expect(seen({ ...late, lagBytes: 0 })).toEqual([]);
    expect(seen({ lastArchived: null })).toEqual(['critical wal_lag wal']);
    expect(seen({ lagBytes: 2 ** 30 })).toEqual([]);
    expect(seen({ lagBytes: 2 ** 30 + 1 })).toEqual(['critical wal_lag wal']);
    expect(of(site({ wal: null }))).toEqual([]);
    expect(
      findings(site({ wal: { lastArchived: null, gap: true, lagBytes: 1 } }), { ...POLICY, wal: null }, NOW),
    ).toEqual([]);
  });

  it('is a standby site that no longer asks, or whose database no longer follows', () => {
    const seen = (standby: Partial<NonNullable<Watched['standby']>>) =>
      brief(
        of(
          site({
            standby: {
              asked_at: '2026-11-30T11:59:50Z',
              role: 'standby_leader',
              replayed_at: null,
              behind_bytes: 0,
              ...standby,
            },
          }),
        ),
      );
    expect(seen({})).toEqual([]);
    expect(seen({ asked_at: '2026-11-30T11:55:01Z', behind_bytes: 2 ** 30 })).toEqual([]);
    expect(seen({ asked_at: '2026-11-30T11:54:00Z' })).toEqual(['critical standby_silent standby']);
    expect(seen({ asked_at: null })).toEqual(['critical standby_silent standby']);
    expect(seen({ behind_bytes: 2 ** 30 + 1 })).toEqual(['critical standby_behind standby']);
    for (const role of ['primary', 'none'] as const)
      expect(seen({ role })).toEqual(['critical standby_behind standby']);
  });

  it('is a clock that is off: what is dated in the future hides nothing', () => {
    const ahead = backup('database', '2026-12-01T12:00:00.000Z', { proven_at: '2026-12-01T13:00:00Z' });
    const seen = site({ backups: [...others('database'), ...nights('database', 1, 28), ahead] });
    expect(brief(of(seen))).toEqual(['critical missing database', 'warning clock database']);
    expect(of(seen, 'clock')[0]!.figure).toBe(86_400);
    // Some minutes are no trouble.
    const nearly = backup('database', new Date(NOW + 4 * 60_000).toISOString());
    expect(of(site({ backups: [...site().backups, nearly] }))).toEqual([]);
  });

  it('follows the clock of the zone: on the day that has no two o’clock the run has until it would have been', () => {
    const seen = { ...site(), copies: null, drills: null, wal: null };
    const march = (day: number) =>
      backup('database', `2027-03-${day}T01:00:30.000Z`, { proven_at: '2027-03-20T00:00:00Z' });
    const policy = { ...POLICY, expected: POLICY.expected.slice(0, 1) };
    const at = (moment: string, backups: WatchedBackup[]) =>
      findings({ ...seen, backups }, policy, Date.parse(moment));
    expect(at('2027-03-28T04:59:00Z', [march(27)])).toEqual([]);
    expect(brief(at('2027-03-28T05:01:00Z', [march(27)]))).toEqual(['critical missing database']);
    expect(at('2027-03-28T05:01:00Z', [march(27), march(28)])).toEqual([]);
    expect(at('2027-03-29T03:59:00Z', [march(28)])).toEqual([]);
  });

  it('is said of three hundred thousand in seconds', () => {
    const many = Array.from({ length: 300_000 }, (_, i) =>
      backup(`container-${300 + (i % 50)}`, new Date(NOW - i * 6_000).toISOString()),
    );
    const began = performance.now();
    findings({ ...site(), backups: many }, POLICY, NOW);
    expect(performance.now() - began).toBeLessThan(20_000);
  });
});

describe('an age', () => {
  it('is told in the largest unit of which there are two', () =>
    expect([0, 119, 120, 47 * 60, 48 * 60].map((minutes) => age(minutes * 60_000))).toEqual([
      '0 min',
      '119 min',
      '2 h',
      '47 h',
      '2 d',
    ]));
});
