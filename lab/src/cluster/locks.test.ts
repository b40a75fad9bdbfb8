import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Locks } from './locks.ts';

describe('locks', () => {
  it('are held by one at a time, in the order of asking', async () => {
    const locks = new Locks();
    const seen: string[] = [];
    const work = (name: string) =>
      locks.guest(101, async () => {
        seen.push(`${name} begins`);
        await sleep(5);
        seen.push(`${name} ends`);
      });
    await Promise.all(['a', 'b', 'c'].map(work));
    expect(seen).toEqual(['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]));
  });

  it('let others on when the work fails', async () => {
    const locks = new Locks();
    await expect(locks.guest(101, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await locks.guest(101, () => 'on')).toBe('on');
  });

  it('are not waited for without end, and whoever gave up does not hold them', async () => {
    const locks = new Locks();
    let release = () => {};
    const first = locks.guest(101, () => new Promise<void>((resolve) => (release = resolve)));
    await expect(locks.guest(101, () => {}, 20)).rejects.toThrow(
      "can't lock file '/run/lock/lxc/pve-config-101.lock' - got timeout",
    );
    expect(await locks.guest(102, () => 'another')).toBe('another');
    const third = locks.guest(101, () => 'third');
    release();
    await first;
    expect(await third).toBe('third');
  });
});
