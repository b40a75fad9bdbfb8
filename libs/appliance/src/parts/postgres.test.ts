import { expect, it } from 'vitest';
import { example } from '../inventory/example.test-helper.ts';
import { expand, siteOf } from '../inventory/expand.ts';
import { postgres } from './postgres.ts';

const inventory = example();
const members = expand(inventory, siteOf(inventory)).filter(({ group }) => group === 'postgres');

/** What is wrong where the last member is so far behind. */
const troubleAt = (lag: number | string) => {
  const text = JSON.stringify({
    members: members.map(({ name }, index) => ({
      name,
      role: index === 0 ? 'leader' : index === 1 ? 'sync_standby' : 'replica',
      state: 'running',
      ...(index === 0 ? {} : { lag: index === members.length - 1 ? lag : 0 }),
    })),
  });
  return postgres.trouble(
    inventory,
    members.map((container) => ({ container, text })),
  );
};

it('calls a member that waits for log which the primary no longer keeps by its name', () => {
  expect(troubleAt(0)).toBeNull();
  expect(troubleAt(256 * 1024 ** 2)).toBeNull();
  // Its state is "running" all the same.
  expect(troubleAt(641 * 1024 ** 2)).toBe(`${members.at(-1)!.name} is 641 MiB behind`);
  // Of one that has just begun nobody knows it.
  expect(troubleAt('unknown')).toBeNull();
});
