import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  nextStep,
  outages,
  planRollout,
  type Replica,
  type Rollout,
  type Step,
  turnBack,
} from './rollout.ts';

const replica = (service: string, number: number, more: Partial<Replica> = {}): Replica => ({
  name: `psa-${service}-${number}`,
  service,
  release: '1.0.0',
  running: '1.0.0',
  ready: true,
  rotation: 'serving',
  stale: false,
  ...more,
});
const rollout: Rollout = {
  to: { crm: '2.0.0', tickets: '2.0.0' },
  from: { crm: '1.0.0', tickets: '1.0.0' },
  reason: null,
};

describe('nextStep', () => {
  it('drains, switches and returns one replica after the other', () => {
    const [one, two] = [replica('crm', 1), replica('crm', 2)];
    expect(nextStep(rollout, [one, two])).toEqual({ action: 'drain', replica: 'psa-crm-1' });
    const drained = { ...one, rotation: 'drained' as const };
    expect(nextStep(rollout, [drained, two])).toEqual({
      action: 'switch',
      replica: 'psa-crm-1',
      release: '2.0.0',
    });
    const switched = { ...drained, release: '2.0.0', running: '2.0.0' };
    expect(nextStep(rollout, [switched, two])).toEqual({ action: 'return', replica: 'psa-crm-1' });
    expect(nextStep(rollout, [{ ...switched, rotation: 'serving' }, two])).toEqual({
      action: 'drain',
      replica: 'psa-crm-2',
    });
  });

  it('restarts what was killed between the switch and the restart', () => {
    const half = replica('crm', 1, { release: '2.0.0', rotation: 'drained' });
    expect(nextStep(rollout, [half, replica('crm', 2)]).action).toBe('switch');
  });

  it('brings other contents in under the same drain, and leaves them on the way back', () => {
    const stale = replica('crm', 1, { release: '2.0.0', running: '2.0.0', stale: true });
    const two = replica('crm', 2, { release: '2.0.0', running: '2.0.0' });
    expect(nextStep(rollout, [stale, two])).toEqual({ action: 'drain', replica: 'psa-crm-1' });
    const drained = { ...stale, rotation: 'drained' as const };
    expect(nextStep(rollout, [drained, two]).action).toBe('switch');
    expect(nextStep(rollout, [{ ...drained, stale: false }, two]).action).toBe('return');
    const back = turnBack({ ...rollout, from: rollout.to }, 'x');
    expect(nextStep(back, [stale, two]).action).toBe('done');
  });

  it('leaves services alone that it does not name', () => {
    expect(nextStep({ ...rollout, to: { tickets: '2.0.0' } }, [replica('crm', 1)])).toEqual({
      action: 'done',
    });
  });

  it('takes no second replica out while one is lost', () => {
    const lost = replica('crm', 1, { release: '2.0.0', running: null, ready: false, rotation: 'out' });
    const two = replica('crm', 2, { release: '2.0.0', running: '2.0.0' });
    expect(nextStep(turnBack(rollout, 'x'), [lost, two], new Set([lost.name]))).toEqual({
      action: 'stuck',
      replicas: ['psa-crm-1'],
    });
  });

  it('says what will be done and why, and where an outage is to come', () => {
    const replicas = [
      replica('crm', 1, { release: '2.0.0', running: '2.0.0' }),
      replica('crm', 2, { rotation: 'drained', release: '2.0.0', running: '2.0.0' }),
      replica('tickets', 1),
    ];
    expect(planRollout(rollout, replicas)).toEqual([
      { replica: 'psa-crm-2', service: 'crm', from: '2.0.0', to: '2.0.0', reason: 'was left drained' },
      { replica: 'psa-tickets-1', service: 'tickets', from: '1.0.0', to: '2.0.0', reason: 'has 1.0.0' },
    ]);
    expect(outages(replicas, ['crm', 'tickets'])).toEqual(['tickets']);
  });
});

/**
 * Replicas that do what steps ask; `faults` says for the n-th step whether it works, fails before or after half of its
 * effect, fails with all of its effect, or psactl is killed at one of these points.
 */
type Fault =
  | 'works'
  | 'fails before'
  | 'fails half'
  | 'fails after'
  | 'killed before'
  | 'killed half'
  | 'killed after';

function half(one: Replica, step: Step): Replica {
  if (step.action === 'drain') return { ...one, rotation: 'drained' };
  if (step.action === 'switch') return { ...one, release: step.release };
  return one;
}
function whole(one: Replica, step: Step): Replica {
  if (step.action === 'switch') return { ...one, release: step.release, running: step.release, ready: true };
  return step.action === 'return' ? { ...one, rotation: 'serving' } : half(one, step);
}

const faults = fc.array(
  fc.constantFrom<Fault>(
    'works',
    'works',
    'works',
    'fails before',
    'fails half',
    'fails after',
    'killed before',
    'killed half',
    'killed after',
  ),
  { maxLength: 60 },
);
const services = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 });

/** Runs a rollout to its end. On the way back faults are passing ones: the step is tried again. */
function play(
  counts: readonly number[],
  list: readonly Fault[],
  seen: (replicas: readonly Replica[]) => void,
) {
  let replicas = counts.flatMap((count, index) =>
    Array.from({ length: count }, (_, number) => replica(`s${index}`, number + 1)),
  );
  const versions = (version: string) => Object.fromEntries(counts.map((_, index) => [`s${index}`, version]));
  let state: Rollout = { to: versions('2.0.0'), from: versions('1.0.0'), reason: null };
  let failed = false;
  for (let turn = 0; turn < 1_000; turn++) {
    const step = nextStep(state, replicas);
    if (step.action === 'done' || step.action === 'stuck') return { replicas, failed, step, state };
    const fault = list[turn] ?? 'works';
    const effect = fault.endsWith('before') ? (one: Replica) => one : fault.endsWith('half') ? half : whole;
    replicas = replicas.map((one) => (one.name === step.replica ? effect(one, step) : one));
    seen(replicas);
    // Killed: what was decided before is forgotten, but for what the journal has.
    if (fault.startsWith('fails')) {
      failed = true;
      state = turnBack(state, `${step.action} failed`);
    }
  }
  throw new Error('It comes to no end.');
}

describe('a rollout, whatever happens', () => {
  it('never takes more than one replica of a service out of rotation', () => {
    fc.assert(
      fc.property(services, faults, (counts, list) => {
        play(counts, list, (replicas) => {
          counts.forEach((count, index) => {
            const serving = replicas.filter(
              (one) => one.service === `s${index}` && one.rotation === 'serving',
            );
            expect(serving.length).toBeGreaterThanOrEqual(count - 1);
          });
        });
      }),
      { numRuns: 500 },
    );
  });

  it('ends with all replicas on one release and in rotation: the new one, or after a failure the old one', () => {
    fc.assert(
      fc.property(services, faults, (counts, list) => {
        const { replicas, failed, step } = play(counts, list, () => {});
        expect(step.action).toBe('done');
        const release = failed ? '1.0.0' : '2.0.0';
        for (const one of replicas)
          expect(one).toMatchObject({ release, running: release, ready: true, rotation: 'serving' });
      }),
      { numRuns: 500 },
    );
  });

  it('switches no replica that still serves', () => {
    fc.assert(
      fc.property(services, faults, (counts, list) => {
        let before: readonly Replica[] = [];
        play(counts, list, (replicas) => {
          for (const one of before) {
            const after = replicas.find(({ name }) => name === one.name)!;
            if (one.rotation === 'serving') expect(after.release).toBe(one.release);
          }
          before = replicas;
        });
      }),
    );
  });

  it('touches on its way back only what it touched before', () => {
    const untouched = replica('crm', 2);
    const back = turnBack(rollout, 'not ready');
    const touched = replica('crm', 1, { release: '2.0.0', running: null, ready: false, rotation: 'drained' });
    expect(planRollout(back, [touched, untouched]).map((one) => one.replica)).toEqual(['psa-crm-1']);
    expect(turnBack(back, 'another').reason).toBe('not ready');
  });
});
