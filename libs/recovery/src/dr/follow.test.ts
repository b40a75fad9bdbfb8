import { describe, expect, it } from 'vitest';
import { type FollowFacts, planFollow } from './follow.ts';

const FACTS: FollowFacts = {
  ...{ from: 'main', to: 'dr', kind: 'warm', serving: 'main', database: 'none', anew: false, measured: [] },
};
const ids = (facts: Partial<FollowFacts>) => planFollow({ ...FACTS, ...facts }).steps.map(({ id }) => id);
const refusals = (facts: Partial<FollowFacts>) => planFollow({ ...FACTS, ...facts }).refusals;

describe('the plan of a site that is to follow', () => {
  it('carries, builds, copies, follows', () => {
    expect(ids({})).toEqual(['carry', 'ready', 'copy', 'follow']);
    // What follows already stays.
    expect(ids({ database: 'follows' })).toEqual(['carry', 'ready', 'copy', 'follow']);
  });

  it('takes another database away, and one that follows when that is asked for, and both need a yes', () => {
    for (const facts of [{ database: 'other' }, { database: 'follows', anew: true }] as const) {
      const { steps } = planFollow({ ...FACTS, ...facts });
      expect(steps.map(({ id }) => id)).toEqual(['carry', 'clear', 'ready', 'copy', 'follow']);
      expect(steps.filter(({ confirm }) => confirm).map(({ id }) => id)).toEqual(['clear']);
    }
    expect(ids({ anew: true })).not.toContain('clear');
  });

  it('is refused for a cold standby, and while that serves', () => {
    expect(refusals({})).toEqual([]);
    expect(refusals({ kind: 'cold' })[0]!.fix).toContain('kind: warm');
    expect(refusals({ serving: 'dr' })[0]!.fix).toContain('psactl dr failback');
  });
});
