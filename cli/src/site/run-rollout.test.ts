import type { Replica, Rollout, Step } from '@psa/appliance/deploy/rollout';
import { describe, expect, it } from 'vitest';
import { CliError } from '../errors.ts';
import { type RolloutWorld, runRollout } from './run-rollout.ts';

const rollout: Rollout = { to: { crm: '2.0.0' }, from: { crm: '1.0.0' }, reason: null };
const signal = new AbortController().signal;

/** Three replicas in memory; `fails` says which steps do. */
function world(
  fails: (step: Step, turn: number) => boolean,
  prove: (change: (name: string, more: Partial<Replica>) => void) => void = () => {},
  recover: typeof prove = () => {},
) {
  let replicas: readonly Replica[] = [1, 2, 3].map((number) => ({
    name: `psa-crm-${number}`,
    service: 'crm',
    release: '1.0.0',
    running: '1.0.0',
    ready: true,
    rotation: 'serving',
    stale: false,
  }));
  const saved: Rollout[] = [];
  const done: string[] = [];
  let turn = 0;
  const change = (name: string, more: Partial<Replica>) => {
    replicas = replicas.map((one) => (one.name === name ? { ...one, ...more } : one));
  };
  const it: RolloutWorld = {
    observe: async () => replicas,
    async perform(step) {
      done.push(`${step.action} ${step.replica}`);
      const failing = fails(step, turn++);
      if (step.action === 'drain') change(step.replica, { rotation: 'drained' });
      if (step.action === 'switch')
        change(step.replica, {
          release: step.release,
          running: failing ? null : step.release,
          ready: !failing,
        });
      if (failing) throw new CliError('It is not ready.', { why: 'no answer.' });
      if (step.action === 'return') change(step.replica, { rotation: 'serving' });
    },
    async letGo(replica) {
      done.push(`let go ${replica}`);
      change(replica, { rotation: 'out' });
    },
    async save(one) {
      saved.push(one);
    },
    note() {},
    async rest() {
      done.push('rest');
    },
    async prove() {
      prove(change);
      return replicas;
    },
    async recover() {
      done.push('wait');
      recover(change);
      return replicas;
    },
  };
  const fall = (name: string, release: string) => {
    if (replicas.some((one) => one.name === name && one.running === release))
      change(name, { running: null, ready: false, rotation: 'out' });
  };
  return { it, done, saved, fall, change, replicas: () => replicas };
}

describe('runRollout', () => {
  it('exchanges one replica after the other', async () => {
    const { it: all, done, saved } = world(() => false);
    const end = await runRollout(rollout, all, signal);
    expect(end).toEqual({ rollout, lost: [] });
    expect(saved).toEqual([]);
    expect(done).toEqual(
      [1, 2, 3].flatMap((n) => [`drain psa-crm-${n}`, `switch psa-crm-${n}`, `return psa-crm-${n}`]),
    );
  });

  it('goes back over every replica that it touched, and keeps the reason', async () => {
    const {
      it: all,
      saved,
      replicas,
    } = world((step) => step.action === 'switch' && step.release === '2.0.0' && step.replica === 'psa-crm-2');
    const end = await runRollout(rollout, all, signal);
    expect(end.rollout.reason).toBe('psa-crm-2: It is not ready. no answer.');
    expect(saved).toEqual([end.rollout]);
    expect(end.lost).toEqual([]);
    for (const one of replicas())
      expect(one).toMatchObject({ release: '1.0.0', running: '1.0.0', ready: true, rotation: 'serving' });
  });

  it('goes back when a replica runs the new release for a moment and then no more', async () => {
    let isFirst = true;
    const fell = world(
      () => false,
      (change) => {
        if (isFirst) change('psa-crm-2', { running: null, ready: false, rotation: 'out' });
        isFirst = false;
      },
    );
    const end = await runRollout(rollout, fell.it, signal);
    expect(end.rollout.reason).toBe('psa-crm-2: ran the new release for a moment, and then no more');
    for (const one of fell.replicas()) expect(one).toMatchObject({ running: '1.0.0', rotation: 'serving' });
  });

  it('waits for replicas that run the new release and are not ready, for the database may be away', async () => {
    let isFirst = true;
    const all = world(
      () => false,
      (change) => {
        if (isFirst) for (const n of [1, 3]) change(`psa-crm-${n}`, { ready: false, rotation: 'out' });
        isFirst = false;
      },
      (change) => {
        for (const n of [1, 3]) change(`psa-crm-${n}`, { ready: true, rotation: 'serving' });
      },
    );
    const end = await runRollout(rollout, all.it, signal);
    expect(end.rollout.reason).toBeNull();
    expect(all.done.filter((one) => one === 'wait')).toHaveLength(1);
  });

  it('goes back when they are never ready again, and when they fall again after each wait', async () => {
    const unready = { ready: false, rotation: 'out' } as const;
    const never = world(
      () => false,
      (change) => change('psa-crm-2', unready),
    );
    const why = 'psa-crm-2: ran the new release, was no longer ready and did not get ready again';
    expect((await runRollout(rollout, never.it, signal)).rollout.reason).toBe(why);
    const again = world(
      () => false,
      (change) => change('psa-crm-2', unready),
      (change) => change('psa-crm-2', { ready: true, rotation: 'serving' }),
    );
    expect((await runRollout(rollout, again.it, signal)).rollout.reason).toBe(why);
    expect(again.done.filter((one) => one === 'wait')).toHaveLength(3);
  });

  it('does not switch again a replica whose database was away while others were exchanged', async () => {
    const all = world(
      () => false,
      undefined,
      (change) => change('psa-crm-1', { ready: true, rotation: 'serving' }),
    );
    const { perform } = all.it;
    const away: RolloutWorld = {
      ...all.it,
      async perform(step) {
        await perform(step);
        if (step.action === 'return' && step.replica === 'psa-crm-2')
          all.change('psa-crm-1', { ready: false, rotation: 'out' });
      },
    };
    const end = await runRollout(rollout, away, signal);
    expect(end.rollout.reason).toBeNull();
    expect(all.done.filter((one) => one === 'switch psa-crm-1')).toHaveLength(1);
  });

  it('goes on with a drained one that is unready for a moment after its switch, and with one that others drained', async () => {
    let isFirst = true;
    const drained = world(
      () => false,
      (change) => {
        if (isFirst) change('psa-crm-3', { rotation: 'drained' });
        isFirst = false;
      },
      // Ready again, and no waiting takes its drain back.
      (change) => change('psa-crm-1', { ready: true }),
    );
    const away: RolloutWorld = {
      ...drained.it,
      async perform(step) {
        await drained.it.perform(step);
        if (step.action === 'switch' && step.release === '2.0.0' && step.replica === 'psa-crm-1')
          drained.change('psa-crm-1', { ready: false });
      },
    };
    const end = await runRollout(rollout, away, signal);
    expect(end.rollout.reason).toBeNull();
    expect(drained.done.filter((one) => one === 'wait')).toHaveLength(1);
    expect(drained.done.at(-1)).toBe('return psa-crm-3');
  });

  it('lets one go that does not stay ready on the way back either, and does not switch it for ever', async () => {
    const all = world((step) => step.action === 'switch' && step.release === '2.0.0');
    const flapping: RolloutWorld = {
      ...all.it,
      async perform(step) {
        await all.it.perform(step);
        if (step.action !== 'switch') return;
        if (all.done.length > 50) throw new Error('it goes on for ever');
        all.change(step.replica, { ready: false });
      },
    };
    const { lost } = await runRollout(rollout, flapping, signal);
    expect(lost).toEqual([{ replica: 'psa-crm-1', why: 'runs 1.0.0 and does not stay ready' }]);
  });

  it('names those that stay on the new release because one beside them does not serve', async () => {
    const { it: all, done } = world(() => false);
    const observe = async () =>
      (await all.observe()).map(
        (one): Replica =>
          one.name === 'psa-crm-3' && done.includes('return psa-crm-1') ? { ...one, rotation: 'out' } : one,
      );
    const end = await runRollout(rollout, { ...all, observe }, signal, new Set(['psa-crm-3']));
    expect(end.lost).toEqual([{ replica: 'psa-crm-1', why: 'psa-crm-3 is out of rotation' }]);
  });

  it('does not switch a replica to the same release again and again', async () => {
    // The first one falls whenever another one has been brought over.
    const again = world(() => false);
    const perform = again.it.perform;
    const flapping: RolloutWorld = {
      ...again.it,
      async perform(step) {
        await perform(step);
        if (step.action === 'return' && step.replica !== 'psa-crm-1') again.fall('psa-crm-1', '2.0.0');
      },
    };
    const end = await runRollout(rollout, flapping, signal);
    expect(end.rollout.reason).toBe('psa-crm-1: ran 2.0.0 for a moment, and then no more');
    expect(again.done.filter((one) => one === 'switch psa-crm-1')).toHaveLength(2);
  });

  it('gives up on a replica that the old release does not start in either, and leaves enough of the others', async () => {
    const {
      it: all,
      done,
      replicas,
    } = world((step) => step.action === 'switch' && step.replica === 'psa-crm-2');
    const end = await runRollout(rollout, all, signal);
    expect(end.lost).toEqual([{ replica: 'psa-crm-2', why: 'It is not ready. no answer.' }]);
    expect(done.filter((one) => one === 'let go psa-crm-2')).toHaveLength(1);
    // The first one stays on the new release: without it and the second, one of three would be left.
    expect(replicas()[0]).toMatchObject({ release: '2.0.0', rotation: 'serving' });
  });

  it('drains nobody while one beside does not serve, and touches that one never', async () => {
    const { it: all, done } = world(() => false);
    const observe = async () =>
      (await all.observe()).map(
        (one): Replica => (one.name === 'psa-crm-3' ? { ...one, running: null, rotation: 'out' } : one),
      );
    const ill = await runRollout(rollout, { ...all, observe }, signal, new Set(['psa-crm-3']));
    expect(ill.rollout.reason).toBe('psa-crm-3 is out of rotation');
    expect({ done, lost: ill.lost }).toEqual({ done: [], lost: [] });
    const well = await runRollout(rollout, all, signal, new Set(['psa-crm-3']));
    expect(well).toEqual({ rollout, lost: [] });
    expect(done.at(-1)).toBe('return psa-crm-2');
  });

  it('does not go back when it is interrupted', async () => {
    const stop = new AbortController();
    const { it: all, saved } = world(() => {
      stop.abort(new DOMException('stop', 'AbortError'));
      return true;
    });
    await expect(runRollout(rollout, all, stop.signal)).rejects.toThrow('stop');
    expect(saved).toEqual([]);
  });
});
