import { setTimeout as sleep } from 'node:timers/promises';
import type { Step } from '@psa/appliance/plan/step';
import { expect, it } from 'vitest';
import type { Journal } from './apply-journal.ts';
import { byUrgency, runSteps } from './run-steps.ts';

const step = (id: string, after: string[] = [], node: string | null = null): Step => ({
  ...{ id, action: id.split(':')[0] as Step['action'], target: id, reason: '', after, node },
  ...{ deed: { kind: 'smoke' }, container: null, rolling: false },
});

function around(signal = new AbortController().signal) {
  const events: string[] = [];
  const journal = {
    started: ({ id }: Step) => events.push(`started ${id}`),
    add: ({ event, step: id }: { event: string; step: string }) => events.push(`${event} ${id}`),
  };
  const progress = { start() {}, advance() {}, note() {}, end() {} };
  return { events, options: { journal: journal as never as Journal, progress, signal } };
}

it('does what waits for nothing at once, and the rest in its order', async () => {
  const { events, options } = around();
  const steps = [step('start:a'), step('start:b'), step('wait:c', ['start:a', 'start:b'])];
  const results = await runSteps(steps, () => sleep(5), options);
  expect(events.slice(0, 2)).toEqual(['started start:a', 'started start:b']);
  expect(events.slice(4)).toEqual(['started wait:c', 'done wait:c']);
  expect(results.map(({ outcome }) => outcome)).toEqual(['done', 'done', 'done']);
});

it('begins with what the longest chain waits for, and keeps the order else', async () => {
  const steps = [
    step('create:service'),
    step('install:service', ['create:service']),
    step('create:database'),
    step('configure:database', ['create:database']),
    step('migrate:all', ['configure:database']),
    step('switch:service', ['install:service', 'migrate:all']),
    step('rule:x'),
    step('rule:y'),
  ];
  expect(byUrgency(steps).map(({ id }) => id)).toEqual([
    'create:database',
    'create:service',
    'configure:database',
    'install:service',
    'migrate:all',
    ...['switch:service', 'rule:x', 'rule:y'],
  ]);
  const { events, options } = around();
  await runSteps(steps, () => sleep(1), options);
  expect(events[0]).toBe('started create:database');
});

it('moves no more than three disks at once on a node', async () => {
  const { options } = around();
  const now = new Map<string, number>();
  let most = 0;
  const steps = Array.from({ length: 16 }, (_, i) => step(`create:${i}`, [], `pve${i % 2}`));
  await runSteps(
    steps,
    async ({ node }) => {
      now.set(node!, (now.get(node!) ?? 0) + 1);
      most = Math.max(most, ...now.values());
      await sleep(3);
      now.set(node!, now.get(node!)! - 1);
    },
    options,
  );
  expect(most).toBe(3);
});

it('goes on with what does not need the step that failed', async () => {
  const { events, options } = around();
  const steps = [step('start:a'), step('wait:b', ['start:a']), step('smoke:c', ['wait:b']), step('start:d')];
  const results = await runSteps(
    steps,
    async ({ id }) => {
      if (id === 'start:a') throw new Error('no power');
    },
    options,
  );
  expect(results.map(({ outcome }) => outcome)).toEqual(['failed', 'skipped', 'skipped', 'done']);
  expect(results[0]).toMatchObject({ error: 'no power' });
  expect(results[2]).toMatchObject({ error: 'waits for wait:b' });
  expect(events).toContain('failed start:a');
});

it('begins nothing more after an interruption, and leaves open in the journal what was under way', async () => {
  const abort = new AbortController();
  const { events, options } = around(abort.signal);
  const work = async () => {
    abort.abort();
    await sleep(1_000, undefined, { signal: abort.signal });
  };
  await runSteps([step('start:a'), step('start:b', ['start:a'])], work, options);
  expect(events).toEqual(['started start:a']);
});
