import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type KeepOptions, type PruneCandidate, parseKeep, printKeep, pruneMarks } from './prune.ts';

interface Case {
  readonly input: readonly { readonly volid: string; readonly ctime: number; readonly mark?: string }[];
  readonly keep: Readonly<Record<string, number>>;
  readonly marks: Readonly<Record<string, string>>;
}

const CASES = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../../../shared/pve/golden/08-prune-cases.json'), 'utf8'),
) as Case[];

/** The recorded cases are in UTC. */
function inUtc<T>(work: () => T): T {
  const before = process.env.TZ;
  process.env.TZ = 'UTC';
  try {
    return work();
  } finally {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  }
}

describe('retention of backups', () => {
  it('marks as Proxmox VE does', () => {
    expect(CASES.length).toBeGreaterThan(100);
    for (const { input, keep, marks } of CASES) {
      const candidates: PruneCandidate[] = input.map((one) => ({
        ...{ volid: one.volid, ctime: one.ctime, group: '100' },
        protected: one.mark === 'protected',
        renamed: one.mark === 'renamed',
      }));
      const text = Object.entries(keep).map(([key, value]) => `${key}=${value}`);
      const ours = inUtc(() => pruneMarks(candidates, parseKeep(text.join(','))));
      expect(Object.fromEntries(ours), JSON.stringify(keep)).toEqual(marks);
    }
  });

  it('judges each guest apart, and keeps everything when nothing is said', () => {
    const one = (volid: string, ctime: number, group: string): PruneCandidate => ({ volid, ctime, group });
    const all = [one('a', 1, '100'), one('b', 2, '100'), one('c', 1, '101')];
    expect(Object.fromEntries(pruneMarks(all, parseKeep('keep-last=1')))).toEqual({
      ...{ a: 'remove', b: 'keep', c: 'keep' },
    });
    expect(new Set(pruneMarks(all, null).values())).toEqual(new Set(['keep']));
    expect(new Set(pruneMarks(all, parseKeep('keep-last=0')).values())).toEqual(new Set(['keep']));
  });

  it('keeps the newest, never removes protected ones, and more numbers keep no fewer', () => {
    const candidates = fc.uniqueArray(
      fc.record({ ctime: fc.integer({ min: 1_700_000_000, max: 1_800_000_000 }), protected: fc.boolean() }),
      { selector: (one) => one.ctime, minLength: 1, maxLength: 40 },
    );
    const count = fc.integer({ min: 0, max: 5 });
    const keeps = fc.record({
      ...{ last: fc.integer({ min: 1, max: 5 }), hourly: count, daily: count, weekly: count },
      ...{ monthly: count, yearly: count, all: fc.constant(false), given: fc.constant({}) },
    });
    fc.assert(
      fc.property(candidates, keeps, (found, keep: KeepOptions) => {
        const backups = found.map((one) => ({ ...one, volid: `v${one.ctime}`, group: 'g' }));
        const marks = pruneMarks(backups, keep);
        const open = backups.filter((one) => !one.protected);
        for (const one of backups) expect(marks.get(one.volid) === 'protected').toBe(one.protected);
        const newest = open.toSorted((a, b) => b.ctime - a.ctime).at(0);
        if (newest) expect(marks.get(newest.volid)).toBe('keep');
        const kept = (of: KeepOptions) =>
          [...pruneMarks(backups, of).values()].filter((mark) => mark === 'keep').length;
        expect(kept({ ...keep, last: keep.last + 1 })).toBeGreaterThanOrEqual(kept({ ...keep }));
      }),
    );
  });

  it('reads and prints options', () => {
    expect(printKeep(parseKeep('keep-weekly=4,keep-daily=7')!)).toBe('keep-daily=7, keep-weekly=4');
    expect(printKeep(parseKeep('keep-all=1')!)).toBe('keep-all=1');
    expect(parseKeep(null)).toBeNull();
    expect(() => parseKeep('keep-all=1,keep-last=2')).toThrow('Parameter verification failed.');
    expect(() => parseKeep('keep=1')).toThrow('Parameter verification failed.');
  });
});
