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
    const nice = () => Number(execFileSync('nice', { encoding: 'utf8' }));
    const inside = (isLow: boolean) => {
      const [program, ...args] = lowly(['nice'], isLow) as [string, ...string[]];
      return Number(execFileSync(program, args, { encoding: 'utf8' }));
    };
    const before = getPriority();
    expect(inside(true)).toBe(19);
    expect(inside(false)).toBe(before);
    expect(await lowlyHere(true, async () => [getPriority(), nice()])).toEqual([19, 19]);
    expect(await lowlyHere(false, async () => getPriority())).toBe(process.getuid?.() === 0 ? before : 19);
  });
});
