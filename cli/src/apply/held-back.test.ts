import { expect, it } from 'vitest';
import { heldBack } from './apply.ts';

it('a plan beside a deploy that is at work says so, and does not advise to run another', () => {
  const deploy = { action: 'deploy', startedAt: '2026-11-29' } as const;
  expect(heldBack(deploy, 'psactl deploy (process 7 of root)')).toEqual({
    target: 'deploy of 2026-11-29',
    message: 'It is under way: psactl deploy (process 7 of root).',
    fix: 'Wait until it has ended.',
  });
  expect(heldBack(deploy, 'psactl rollback (process 7 of root)').fix).toBe('Wait until it has ended.');
  // Cut short, and somebody else at work: an apply that is about to refuse, say.
  for (const holder of [null, 'psactl apply (process 7 of root)'])
    expect(heldBack(deploy, holder).fix).toMatch(/psactl deploy or psactl rollback again/);
});
