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
) {
  let replicas: readonly Replica[] = [1, 2, 3].map((number) => ({
    name: `psa-crm-${number}`,
    service: 'crm',
    release: '1.0.0',
    running: '1.0.0',
    ready: true,
    rotation: 'serving',
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
  };
  const fall = (name: string, release: string) => {
    if (replicas.some((one) => one.name === name && one.running === release))
      change(name, { running: null, ready: false, rotation: 'out' });
  };
  return { it, done, saved, fall, replicas: () => replicas };
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
