import { expect, it } from 'vitest';
import { CliError } from '../errors.ts';
import { type StartWorld, startUp } from './start.ts';

/** A container whose init lives for so long after each start; null: for ever. */
function container(lives: readonly (number | null)[], begin: 'started' | 'requested' = 'started') {
  let now = 0;
  let starts = 0;
  let diesAt: number | null = -1;
  const world: StartWorld = {
    name: 'psa-crm-1 (CT 230)',
    status: async () => (diesAt === null || diesAt > now ? 'running' : 'stopped'),
    async start() {
      const life = lives[starts++];
      diesAt = life === null ? null : now + (life ?? 0);
      return begin;
    },
    init: async () => (diesAt === null ? null : 'starting up'),
    lastWords: async () => 'init: no such file\nChild <9224> ended on error (3)',
    pause: async (ms) => {
      now += ms;
    },
    now: () => now,
  };
  return { world, starts: () => starts, seconds: () => now / 1000 };
}
const refused = async (work: Promise<unknown>) =>
  (await work.then(
    () => null,
    (error: unknown) => error,
  )) as CliError;

it('answers when init does', async () => {
  const one = container([null]);
  await startUp(one.world);
  expect(one.starts()).toBe(1);
});

it('does not believe a start whose init dies a moment later, tries again, and shows the last words soon', async () => {
  const dead = container([0, 3_000, 0]);
  const error = await refused(startUp(dead.world));
  expect(error).toBeInstanceOf(CliError);
  expect(error.message).toBe('Unable to start psa-crm-1 (CT 230): it stops again by itself.');
  expect(error.why).toMatch(/it was started and is stopped again.*\n.*no such file\n.*ended on error \(3\)/s);
  expect(dead.starts()).toBe(3);
  // Not the five minutes that the HA manager is given.
  expect(dead.seconds()).toBeLessThan(20);
  const lucky = container([0, null]);
  await startUp(lucky.world);
  expect(lucky.starts()).toBe(2);
});

it('waits for the HA manager, which has only been asked', async () => {
  const one = container([], 'requested');
  const error = await refused(startUp(one.world));
  expect(error.why).toBe('it is stopped.');
  expect(one.seconds()).toBeGreaterThan(300);
});
