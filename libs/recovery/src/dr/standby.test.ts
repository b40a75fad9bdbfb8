import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FollowState, readFollowState, standbyLoss, standbyTroubles } from './standby.ts';

const NOW = Date.parse('2026-11-30T20:00:00Z');
const text = (more: string) => `log.at ${NOW / 1000 - 8}
log.has_until ${NOW / 1000 - 9}
log.newest 000000010000000000000007
copies.at ${NOW / 1000 - 200}
copies.has_until ${NOW / 1000 - 201}
copies.copies 3
now ${NOW / 1000}
role standby_leader
replayed_at ${NOW / 1000 - 40}
behind 0
free 9000000000
${more}`;
const STATE = readFollowState(text(''))!;
const SITES = { from: 'main', to: 'dr' };
const kinds = (state: Partial<FollowState>) =>
  standbyTroubles({ ...STATE, ...state }, SITES).map(({ kind }) => kind);

describe('what a follower says of itself', () => {
  it('is read', () => {
    expect(STATE).toEqual({
      ...{ now: NOW, role: 'standby_leader', replayed_at: NOW - 40_000, behind_bytes: 0, free_bytes: 9e9 },
      log: { at: NOW - 8_000, has_until: NOW - 9_000, failing: null, failing_since: null },
      copies: { at: NOW - 200_000, has_until: NOW - 201_000, failing: null, failing_since: null },
      newest: '000000010000000000000007',
    });
  });

  it('may be little, or nothing that is meant so', () => {
    expect(readFollowState('')).toBeNull();
    expect(readFollowState('sh: psa-follow: not found')).toBeNull();
    expect(readFollowState(`now ${NOW / 1000}\nrole none\nreplayed_at 0`)).toMatchObject({
      ...{ role: 'none', replayed_at: null, newest: null, free_bytes: null },
      log: { at: null, failing: null },
    });
    // Patroni's name of old.
    expect(readFollowState(`now ${NOW / 1000}\nrole master`)?.role).toBe('primary');
    fc.assert(fc.property(fc.string(), (any) => void readFollowState(any)));
  });
});

describe('what would be lost with the primary', () => {
  it('is what was written since the last commit that came', () => {
    const busy = { ...STATE, behind_bytes: 5, replayed_at: NOW - 40_000 };
    expect(standbyLoss(busy, 45_000)).toBe(40_000);
  });

  it('is no more than what is on its way, where nobody writes', () => {
    const quiet = { ...STATE, replayed_at: NOW - 3_600_000 };
    expect(standbyLoss(quiet, 45_000)).toBe(54_000);
    // What has come and is not taken over is not had yet.
    expect(standbyLoss({ ...quiet, behind_bytes: 1 }, 45_000)).toBe(3_600_000);
  });

  it('grows while nothing comes, and is not known where nothing follows', () => {
    expect(standbyLoss(STATE, 45_000, NOW + 600_000)).toBe(640_000);
    expect(standbyLoss({ ...STATE, role: 'none' }, 45_000)).toBeNull();
    expect(
      standbyLoss({ ...STATE, replayed_at: null, log: { ...STATE.log, has_until: null } }, 45_000),
    ).toBeNull();
  });
});

describe('what is wrong with a standby', () => {
  it('is nothing when it follows', () => expect(kinds({})).toEqual([]));

  it('is each named with what to do', () => {
    expect(kinds({ role: 'primary' })).toEqual(['not_following']);
    expect(kinds({ role: 'none' })).toEqual(['not_following']);
    expect(kinds({ behind_bytes: 2 ** 31 })).toEqual(['behind']);
    expect(kinds({ free_bytes: 1_000 })).toEqual(['room']);
    expect(kinds({ copies: { ...STATE.copies, at: NOW - 2 * 86_400_000 } })).toEqual(['copies']);
    expect(kinds({ log: { ...STATE.log, at: NOW - 600_000 } })).toEqual(['silent']);
    expect(kinds({ log: { at: null, has_until: null, failing: null, failing_since: null } })).toEqual([
      'silent',
    ]);
  });

  it('by a broken key, a full disk and another database is mended in other ways', () => {
    const failing = (why: string) =>
      standbyTroubles({ ...STATE, log: { ...STATE.log, at: NOW - 600_000, failing: why } }, SITES)[0]!;
    const key = failing('The other site does not answer: postgres@main: Permission denied (publickey).');
    expect(key.why).toContain('for 10 min: The other site does not answer: postgres@main: Permission denied');
    expect(key.fix).toContain('psa-feed.service');
    expect(failing('Unable to bring x: tar: No space left on device').fix).toContain('disk_gb');
    expect(failing('archive/psa/x is another one there than here').fix).toContain('psactl dr follow --anew');
  });
});
