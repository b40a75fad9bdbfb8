import type { RemoteCopy } from '@psa/recovery/offsite/receipt';
import { describe, expect, it } from 'vitest';
import { decideOffsitePrune } from './decide-prune.ts';
import { decideSend, wantedOn } from './decide-send.ts';

const NOW = Date.parse('2027-12-15T12:00:00Z');
const two = (n: number) => String(n).padStart(2, '0');

/** A copy of a run at 02:00 of a day. */
function copyOf(series: string, day: string, more: Partial<RemoteCopy> & { site?: string } = {}): RemoteCopy {
  const { site = 'psa/main', ...rest } = more;
  const id = `${series}-${day.replaceAll('-', '')}T020000Z-3f9a2c`;
  const sum = { bytes: 10, sha256: 'x' };
  return {
    ...{ id, attempt: '00000001', state: 'good', bytes: 20, changed_at: `${day}T03:00:00.000Z` },
    receipt: {
      ...{ receipt: 1, id, attempt: '00000001', at: `${day}T02:00:00.000Z`, site, tier: 'grandfather' },
      ...{ content: sum, manifest: sum, recipients: [], verified_at: `${day}T03:00:00.000Z` },
    },
    ...rest,
  };
}
/** The first Sunday of a month. */
function firstSunday(year: number, month: number): string {
  const day = 1 + ((7 - new Date(Date.UTC(year, month - 1, 1)).getUTCDay()) % 7);
  return `${year}-${two(month)}-${two(day)}`;
}
const POLICY = { zone: 'UTC', tiers: [{ name: 'grandfather', on: 'first-sunday', keep: 12 }] } as const;

describe('what goes to a remote', () => {
  const one = (id: string, state: 'good' | 'partial', sha256: string | null) =>
    ({ id, state, manifest: { sha256 } }) as never as Parameters<typeof decideSend>[0][number];

  it('is what is good and not there; half copies there do not count', () => {
    const list = [
      one('a', 'good', 'x'),
      one('b', 'good', 'x'),
      one('c', 'partial', 'x'),
      one('d', 'good', null),
    ];
    const decided = decideSend(list, [
      { id: 'a', state: 'good' },
      { id: 'b', state: 'partial' },
      { id: 'b', state: 'damaged' },
    ]);
    const ids = Object.entries(decided).map(([kind, those]: [string, typeof list]) => [
      kind,
      those.map(({ id }) => id),
    ]);
    expect(Object.fromEntries(ids)).toEqual({ send: ['b'], there: ['a'], elsewhere: ['d'], unfit: ['c'] });
  });
});

describe('what a remote shall have', () => {
  const one = (id: string, kind: string, tier: string | null, state = 'good') =>
    ({ id, kind, tier, state }) as never as Parameters<typeof wantedOn>[0][number];

  it('is its generations, and the newest releases of whichever', () => {
    const backups = [
      one('a', 'database', 'son'),
      one('b', 'releases', 'son', 'damaged'),
      one('c', 'releases', 'son'),
      one('d', 'database', 'grandfather'),
      one('e', 'releases', 'father'),
      one('f', 'redis', null),
    ];
    expect(wantedOn(backups, ['grandfather']).map(({ id }) => id)).toEqual(['c', 'd']);
    expect(wantedOn([], ['grandfather'])).toEqual([]);
  });
});

describe('what stays on a remote', () => {
  const months = Array.from({ length: 20 }, (_, i) =>
    firstSunday(2026 + Math.floor((4 + i) / 12), ((4 + i) % 12) + 1),
  );

  it('are twelve first Sundays of each part, not of all parts together', () => {
    const copies = ['database', 'container-300'].flatMap((series) =>
      months.map((day) => copyOf(series, day)),
    );
    const decided = decideOffsitePrune(copies, POLICY, 'psa/main', NOW);
    for (const series of ['database', 'container-300']) {
      const kept = decided.filter(({ keep, copy }) => keep && copy.id.startsWith(series));
      expect(kept.map(({ copy }) => copy.receipt!.at.slice(0, 10))).toEqual(months.slice(-12));
    }
  });

  it('are copies of other sites, and the last good one however old', () => {
    const copies = [
      copyOf('database', '2020-01-05'),
      copyOf('database', '2019-01-06', { site: 'other/main' }),
    ];
    expect(decideOffsitePrune(copies, POLICY, 'psa/main', NOW).map(({ keep }) => keep)).toEqual([true, true]);
  });

  it('is no half copy that nobody ends, and of two copies of one backup the newer', () => {
    const day = months.at(-1)!;
    const copies = [
      copyOf('database', day),
      copyOf('database', day, { attempt: '00000002', changed_at: `${day}T09:00:00.000Z` }),
      copyOf('redis', day, { state: 'partial', receipt: null }),
      copyOf('redis', day, { state: 'partial', receipt: null, changed_at: '2027-12-15T11:00:00.000Z' }),
      copyOf('redis', day, { state: 'damaged' }),
    ];
    const decided = decideOffsitePrune(copies, POLICY, 'psa/main', NOW);
    expect(decided.map(({ keep }) => keep)).toEqual([false, true, false, true, false]);
    expect(decided.map(({ why }) => why)).toEqual([
      'another copy of it is newer',
      expect.stringContaining('grandfather'),
      'partial, and nobody ends it',
      'partial, and new',
      'damaged, and nobody ends it',
    ]);
  });
});
