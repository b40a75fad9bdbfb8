import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ApiBench } from './bench.test-helper.ts';

let bench: ApiBench;
beforeEach(async () => {
  bench = await ApiBench.open();
});
afterEach(() => bench.close());

it('a container is shown as it is now, and its share of the CPU over at least a second', async () => {
  await bench.create('pve1', 101);
  const path = '/nodes/pve1/lxc/101/status';
  const current = () => bench.data<{ status: string; cpu: number }>('GET', `${path}/current`);
  expect((await current()).status).toBe('stopped');
  await bench.task('POST', `${path}/start`);
  const { runtime } = bench;
  const state = runtime.state.bind(runtime);
  let used = 100;
  runtime.state = async (node, id) => ({ ...(await state(node, id)), cpuSeconds: used });
  expect((await current()).status).toBe('running');
  const before = (await current()).cpu;
  used += 0.5;
  expect((await current()).cpu).toBe(before);
  await sleep(1_050);
  const { cpu } = await current();
  expect(cpu).toBeGreaterThan(0.1);
  expect(cpu).toBeLessThan(0.5);
  await bench.task('POST', `${path}/stop`);
  expect(await current()).toMatchObject({ status: 'stopped', cpu: 0 });
});
