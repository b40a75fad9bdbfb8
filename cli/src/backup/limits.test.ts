import { execFileSync } from 'node:child_process';
import { getPriority } from 'node:os';
import { example } from '@psa/appliance/inventory/example.test-helper';
import { describe, expect, it } from 'vitest';
import { lowly, lowlyHere } from '../site/priority.ts';
import { limitsOf, limitsText } from './limits.ts';

const { backup } = example();

describe('how much of the machines a backup may take', () => {
  it('is what nobody else wants, where the inventory says nothing', () => {
    const said = limitsOf({ ...backup, limits: undefined });
    expect(said).toEqual({ parallel: 2, bandwidth_mib: null, priority: 'low' });
    expect(limitsText(said)).toBe(
      '2 at a time, as fast as it goes, after everything else that wants processor or disk',
    );
  });

  it('is each of the things that it says', () => {
    expect(limitsOf({ ...backup, limits: { bandwidth_mib: 32 } })).toEqual({
      ...{ parallel: 2, bandwidth_mib: 32, priority: 'low' },
    });
    const fast = limitsOf({ ...backup, limits: { parallel: 4, priority: 'normal' } });
    expect(limitsText(fast)).toBe('4 at a time, as fast as it goes, beside everything else');
  });

  it('holds for the programs in containers and for psactl itself, and no longer than the run', async () => {
    // proc(5): niceness and policy; 5 is SCHED_IDLE.
    const LOOK = ['cut', '-d ', '-f19,41', '/proc/self/stat'] as const;
    const run = ([program, ...args]: readonly string[]) =>
      execFileSync(program!, args, { encoding: 'utf8' }).trim();
    const before = getPriority();
    expect(run(lowly(LOOK, true))).toBe('19 5');
    expect(run(lowly(LOOK, false))).toBe(`${before} 0`);
    expect(await lowlyHere(true, async () => [getPriority(), run(LOOK)])).toEqual([19, '19 5']);
    const after = process.getuid?.() === 0 ? before : 19;
    expect(await lowlyHere(false, async () => [getPriority(), run(LOOK)])).toEqual([after, `${after} 0`]);
  });
});
