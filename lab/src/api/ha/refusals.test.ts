import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiBench, ROOT } from '../bench.test-helper.ts';

type Row = readonly [method: string, path: string, params: Record<string, string | number>, said: string];

const RESOURCES = '/cluster/ha/resources';
const RULES = '/cluster/ha/rules';
const node = { type: 'node-affinity' };
const pair = { type: 'resource-affinity' };

/** Asked one after the other, in this order; each answer was given by a real cluster. */
const ROWS: readonly Row[] = [
  // PVE::API2::HA::Resources
  ['POST', RESOURCES, { sid: '101', state: 'stopped' }, '200 OK'],
  ['POST', RESOURCES, { sid: 'ct:101' }, "500 create resource failed: resource ID 'ct:101' already defined"],
  ['POST', RESOURCES, { sid: 'ct:999' }, "500 resource 'ct:999' does not exist in cluster"],
  ['POST', RESOURCES, { sid: '999' }, '500 unable to detect SID from VMID - VM/CT 999 does not exist'],
  ['POST', RESOURCES, { sid: 'vm:102' }, "500 resource 'vm:102' - guest with ID 102 is not a VM"],
  ['POST', RESOURCES, { sid: 'foo:1' }, "500 unknown section type 'foo'"],
  ['POST', RESOURCES, { sid: 'ct:x' }, '500 invalid VMID'],
  ['POST', RESOURCES, { sid: 'ct:102', type: 'vm' }, '500 types does not match'],
  [
    'POST',
    RESOURCES,
    { sid: 'ct:102', group: 'g1' },
    "500 invalid parameter 'group': ha groups have been migrated to rules",
  ],
  ['POST', RESOURCES, { sid: 'ct:102', comment: 'a\nb' }, '500 property contains a line feed'],
  ['POST', RESOURCES, { sid: 'ct:102', max_relocate: 0, comment: 'hi' }, '200 OK'],
  ['POST', RESOURCES, { sid: 'ct:103' }, '200 OK'],
  [
    'PUT',
    `${RESOURCES}/ct:101`,
    { delete: 'sid' },
    "500 update resources config failed: no such option 'sid'",
  ],
  [
    'PUT',
    `${RESOURCES}/ct:999`,
    { max_restart: 1 },
    "500 update resources config failed: no such resource 'ct:999'",
  ],
  ['GET', `${RESOURCES}/vm:101`, {}, "500 no such resource 'vm:101'"],
  ['DELETE', `${RESOURCES}/ct:999`, {}, "500 cannot delete service 'ct:999', not HA managed!"],
  ['POST', `${RESOURCES}/ct:999/migrate`, { node: 'pve2' }, "500 resource 'ct:999' is not HA managed"],
  // The manager itself finds that there is no such node.
  ['POST', `${RESOURCES}/ct:101/migrate`, { node: 'pve9' }, '200 OK'],
  ['GET', '/cluster/ha/groups', {}, '500 cannot index groups: ha groups have been migrated to rules'],
  // PVE::API2::HA::Rules
  ['POST', RULES, { rule: 'a1', ...node, resources: 'ct:101' }, '400 Parameter verification failed.'],
  [
    'POST',
    RULES,
    { rule: 'a1', ...node, resources: 'ct:101', nodes: 'pve9' },
    '500 create ha rule failed: cannot use non-existent node(s) pve9.',
  ],
  [
    'POST',
    RULES,
    { rule: 'a1', ...node, resources: 'ct:999,ct:101,ct:998', nodes: 'pve9' },
    '500 create ha rule failed: cannot use unmanaged resource(s) ct:998, ct:999.',
  ],
  [
    'POST',
    RULES,
    { rule: 'a1', ...node, resources: '', nodes: 'pve1' },
    '500 create ha rule failed: no resources were specified',
  ],
  ['POST', RULES, { rule: 'a1', ...node, resources: 'ct:101', nodes: 'pve1:2,pve2:1' }, '200 OK'],
  [
    'POST',
    RULES,
    { rule: 'a1', ...node, resources: 'ct:102', nodes: 'pve1' },
    "500 create ha rule failed: HA rule 'a1' already defined",
  ],
  [
    'POST',
    RULES,
    { rule: 'b1', ...pair, resources: 'ct:101,ct:102', affinity: 'positive' },
    "500 create ha rule failed: 400 Rule 'b1' is invalid.",
  ],
  [
    'POST',
    RULES,
    { rule: 'b1', ...pair, resources: 'ct:101,ct:102', affinity: 'negative', disable: 1 },
    '200 OK',
  ],
  // Only deleting it enables a rule, and then it must hold.
  ['PUT', `${RULES}/b1`, { ...pair, disable: 0 }, '200 OK'],
  [
    'PUT',
    `${RULES}/b1`,
    { ...pair, delete: 'disable' },
    "500 update HA rules failed: 400 Rule 'b1' is invalid.",
  ],
  ['PUT', `${RULES}/a1`, { ...pair, comment: 'x' }, "500 update HA rules failed: unexpected property 'type'"],
  [
    'PUT',
    `${RULES}/a1`,
    { ...node, delete: 'nodes' },
    "500 update HA rules failed: unable to delete required option 'nodes'",
  ],
  [
    'PUT',
    `${RULES}/a1`,
    { ...node, comment: 'x', delete: 'comment' },
    "500 update HA rules failed: cannot set and delete property 'comment' at the same time!",
  ],
  [
    'PUT',
    `${RULES}/x1`,
    { ...node, comment: 'x' },
    "500 update HA rules failed: HA rule 'x1' does not exist",
  ],
  ['PUT', `${RULES}/a1`, { ...node, nodes: 'pve1,pve2', strict: 0 }, '200 OK'],
  ['PUT', `${RULES}/b1`, { ...pair, delete: 'disable' }, '200 OK'],
  ['DELETE', `${RULES}/x1`, {}, '200 OK'],
];

describe('the HA routes answer as a real cluster', () => {
  let bench: ApiBench;

  beforeAll(async () => {
    bench = await ApiBench.open();
    for (const vmid of [101, 102, 103]) await bench.create('pve1', vmid);
  });
  afterAll(() => bench.close());

  it.each(ROWS)('%s %s %o: %s', async (method, path, params, said) => {
    expect(await bench.said(method, path, params, { as: ROOT })).toBe(said);
  });

  it('show what was given and no defaults', async () => {
    const digest = expect.any(String);
    expect(await bench.data('GET', `${RESOURCES}/101`, {}, { as: ROOT })).toEqual({
      ...{ sid: 'ct:101', type: 'ct', state: 'stopped', digest },
    });
    expect(await bench.data('GET', `${RESOURCES}/ct:102`, {}, { as: ROOT })).toEqual({
      ...{ sid: 'ct:102', type: 'ct', max_relocate: 0, comment: 'hi', digest },
    });
    expect(await bench.data('GET', RULES, {}, { as: ROOT })).toEqual([
      { rule: 'a1', ...node, order: 1, resources: 'ct:101', nodes: 'pve1,pve2', strict: 0, digest },
      { rule: 'b1', ...pair, order: 2, resources: 'ct:101,ct:102', affinity: 'negative', digest },
    ]);
  });
});
