import { describe, expect, it } from 'vitest';
import { compare, differences, hoursSince, type Proof } from './proof.ts';
import { type Provable, seriesProofs } from './series-proof.ts';

const proof = (id: string, result: Proof['result'], at = '2026-11-30T05:00:00Z'): Proof => ({
  ...{
    proof: 1,
    id,
    sha256: 'x',
    at,
    by: 'drill',
    result,
    why: result === 'passed' ? null : 'it is cut off',
  },
  ...{ duration_ms: 5, compared: [] },
});
const backup = (series: string, day: number, more: Partial<Provable> = {}): Provable => ({
  ...{
    id: `${series}-${day}`,
    series,
    at: `2026-11-${day}T02:00:00Z`,
    state: 'good',
    proof: null,
    failure: null,
  },
  ...more,
});

describe('what was compared', () => {
  it('differs where the source had another, and not where nobody wrote down what it had', () => {
    expect(compare('keys', 3, 3).same).toBe(true);
    expect(compare('keys', 3, 2).same).toBe(false);
    expect(compare('keys', '3', 3).same).toBe(false);
    expect(compare('keys', null, 3).same).toBe(true);
  });

  it('is told by the first few that differ', () => {
    const list = [1, 2, 3, 4, 5].map((n) => compare(`rows of t${n}`, n, 0));
    expect(differences([compare('keys', 1, 1), ...list])).toBe(
      'rows of t1: 0 in place of 1; rows of t2: 0 in place of 2; rows of t3: 0 in place of 3, and 2 more',
    );
  });
});

describe('what is proven of a series', () => {
  it('is the newest that restored, which need not be the newest that is good', () => {
    const list = [
      backup('database', 30, { failure: proof('database-30', 'failed') }),
      backup('database', 29, { proof: proof('database-29', 'passed') }),
      backup('database', 28, { proof: proof('database-28', 'passed') }),
      backup('container-300', 30, { state: 'gone', proof: proof('container-300-30', 'passed') }),
      backup('redis', 30, { state: 'partial' }),
    ];
    expect(seriesProofs(list)).toEqual([
      { series: 'container-300', newest: null, proven: null, failed: [] },
      {
        series: 'database',
        newest: { id: 'database-30', at: '2026-11-30T02:00:00Z' },
        proven: { id: 'database-29', at: '2026-11-29T02:00:00Z', proven_at: '2026-11-30T05:00:00Z' },
        failed: ['database-30'],
      },
      { series: 'redis', newest: null, proven: null, failed: [] },
    ]);
    expect(seriesProofs([])).toEqual([]);
  });

  it('has an age that is never below nothing, whatever a clock said', () => {
    const now = Date.parse('2026-11-30T12:00:00Z');
    expect(hoursSince('2026-11-30T05:01:00Z', now)).toBe(6);
    expect(hoursSince('2027-01-01T00:00:00Z', now)).toBe(0);
  });
});
