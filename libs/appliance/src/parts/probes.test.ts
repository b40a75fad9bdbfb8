import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { example } from '../inventory/example.test-helper.ts';
import { expand, siteOf } from '../inventory/expand.ts';
import { partOf } from './parts.ts';

const inventory = example();

it.each(
  expand(inventory, siteOf(inventory)).flatMap((container) => {
    const probe = container.number === 1 ? partOf(container.group)?.probe(inventory, container) : undefined;
    return probe === undefined ? [] : [[container.group, probe] as const];
  }),
)('what %s is asked is a script that a shell reads', (_, probe) => {
  const { status, stderr } = spawnSync('sh', ['-n', '-c', probe], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
});
