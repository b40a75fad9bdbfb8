import { afterEach, beforeEach, expect, it } from 'vitest';
import { ApiBench } from './bench.test-helper.ts';

let bench: ApiBench;
beforeEach(async () => {
  bench = await ApiBench.open();
});
afterEach(() => bench.close());

it('counts every request against the schema, also one that nobody may make', async () => {
  await bench.ask('GET', '/nodes/pve1/lxc');
  await bench.ask('GET', '/nodes/pve2/lxc', {}, { as: null });
  await bench.ask('GET', '/cluster/resources', { type: 'vm' });
  await bench.ask('GET', '/cluster/resources', { type: 'cat' });
  await bench.ask('GET', '/cluster/resources', { type: 'cat' });
  await bench.ask('POST', '/nodes/pve1/lxc', { vmid: 7, ostemplate: 'x', colour: 'red' });
  await bench.ask('GET', '/nodes/pve1/cats');
  const { requests, fitting, misfits } = bench.lab.conformance!.report();
  expect(requests).toBe(7);
  expect(fitting).toEqual({ 'GET /cluster/resources': 1, 'GET /nodes/{node}/lxc': 2 });
  expect(misfits).toMatchObject([
    { request: 'GET /cluster/resources', times: 2, errors: { type: expect.stringContaining("'cat'") } },
    {
      ...{ request: 'POST /nodes/{node}/lxc', times: 1 },
      errors: { vmid: expect.any(String), colour: expect.stringContaining('not defined') },
    },
    { request: 'GET /nodes/pve1/cats', times: 1, errors: {} },
  ]);
});
