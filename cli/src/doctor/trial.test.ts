import { join } from 'node:path';
import { example } from '@psa/appliance/inventory/example.test-helper';
import { expand } from '@psa/appliance/inventory/expand';
import { ProxmoxError } from '@psa/proxmox/client/errors';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { withLock } from '../lock.ts';
import type { Progress } from '../progress.ts';
import { SiteFolder } from '../site/folder.ts';
import type { OpenSite } from '../site/site.ts';
import { trial } from './trial.ts';
import { trialMarker } from './trial-text.ts';

let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir('trial');
});
afterAll(() => dir.remove());

const inventory = example();
const site = inventory.sites[0]!;
const node = site.nodes[0]!.name;

/** A site whose node still makes what a trial began that was cut off, and whose backup storages do not answer. */
function cutOff() {
  let isMade = false;
  const done: string[] = [];
  const answers: Readonly<Record<string, () => unknown>> = {
    '/cluster/resources': () => [{ type: 'lxc', name: `${inventory.name}-trial`, node, vmid: 399 }],
    '/cluster/status': () => [],
    [`/nodes/${node}/tasks`]: () => (isMade ? [] : [{ upid: 'UPID' }]),
    [`/nodes/${node}/lxc/399/config`]: () =>
      isMade ? { description: trialMarker(inventory.name, site.name) } : { lock: 'create' },
    [`/nodes/${node}/lxc/399/status/current`]: () => ({ status: 'stopped' }),
  };
  const client = {
    async request(_: string, path: string) {
      if (answers[path]) return answers[path]();
      throw new Error(`${path} does not answer`);
    },
    async run(method: string, path: string) {
      done.push(`${method} ${path}`);
    },
    async waitTask() {
      isMade = true;
    },
  };
  const open = { inventory, site, containers: expand(inventory), client, folder: new SiteFolder(dir.path) };
  return { done, site: open as unknown as OpenSite };
}

const run = (open: OpenSite) =>
  trial(open, {}, new AbortController().signal, { start() {}, note() {} } as unknown as Progress);

it('waits for a creation that was cut off, and removes it though a storage of backups does not answer', async () => {
  const { done, site: open } = cutOff();
  const [left] = await run(open);
  expect(done).toEqual([`DELETE /nodes/${node}/lxc/399`]);
  expect(left).toMatchObject({
    what: 'CT 399 of an earlier trial',
    detail: expect.stringContaining('content does not answer'),
  });
});

/** A cluster of one node that dies in the midst of a trial, and may come back. */
function dying(folder: string) {
  const state = { isAway: false, made: null as null | Record<string, unknown>, isHidden: false };
  const done: string[] = [];
  const error = (facts: object) =>
    new ProxmoxError({ kind: 'refused', method: 'GET', path: '/', ...facts } as never);
  const answer = async (method: string, path: string, params: Record<string, unknown> = {}) => {
    if (path === '/cluster/status') return [{ name: node, type: 'node', online: 1 }];
    if (path === '/cluster/nextid') {
      if (state.made?.vmid === params.vmid) throw error({ status: 400, reason: 'CT 399 already exists' });
      return params.vmid;
    }
    // The name of a guest is its node's to tell.
    const row = state.made && { vmid: state.made.vmid, node, type: 'lxc', status: 'unknown' };
    if (path === '/cluster/resources') return row && !state.isHidden ? [row] : [];
    if (state.isAway) throw error({ kind: 'unreachable', status: 595, reason: 'No route to host' });
    if (state.isHidden && path.includes('/lxc/')) throw error({ kind: 'forbidden', status: 403 });
    done.push(`${method} ${path.replace(/^\/nodes\/[^/]+/, '')}`);
    if (method === 'POST' && path.endsWith('/lxc')) state.made = params;
    if (method === 'PUT') state.isAway = true;
    if (method === 'DELETE' && /lxc\/\d+$/.test(path)) state.made = null;
    if (path.endsWith('/config')) return state.made;
    if (path.endsWith('/status/current')) return { status: 'stopped' };
    return [];
  };
  const client = {
    ...{ request: answer, run: answer, upload: async () => null, waitTask: async () => null },
  };
  const open = { inventory, site, containers: expand(inventory), client, folder: new SiteFolder(folder) };
  return { state, done, site: { ...open, shell: {} } as unknown as OpenSite };
}

it('names the container of a node that died in the trial, with the way to remove it; the next one removes it', async () => {
  const { state, done, site: open } = dying(join(dir.path, 'dying'));
  const found = await run(open);
  const id = Number(state.made!.vmid);
  expect(found.at(-1)).toMatchObject({
    ...{ what: 'trial: remove it', result: 'failed' },
    detail: `CT ${id} on ${node} may still be there: ${node} does not answer`,
    fix: expect.stringMatching(new RegExp(`By hand on ${node}: .*pct destroy ${id} --purge`)),
  });
  // One step meets the dead node, and no other one waits for it.
  expect(found.filter(({ result }) => result === 'failed')).toHaveLength(2);
  const still = await run(open);
  expect(still[0]).toMatchObject({
    ...{ what: `CT ${id} of an earlier trial`, result: 'warning' },
    detail: expect.stringContaining(`on ${node} may still be there`),
  });
  state.isAway = false;
  done.length = 0;
  const [gone] = await run(open);
  expect(gone).toMatchObject({
    what: `CT ${id} of an earlier trial`,
    result: 'ok',
    detail: `CT ${id} is gone`,
  });
  expect(done).toContain(`DELETE /lxc/${id}`);
});

it('names what a creation left that was cut off before it came into the pool', async () => {
  const { state, site: open } = dying(join(dir.path, 'hidden'));
  state.isHidden = true;
  const found = await run(open);
  const id = Number(state.made!.vmid);
  expect(found.at(-1)).toMatchObject({
    detail: expect.stringMatching(`CT ${id} on ${node} is there and cannot be removed by the token`),
    fix: expect.stringContaining(`pct unlock ${id}`),
  });
  expect((await run(open))[0]).toMatchObject({ what: `CT ${id} of an earlier trial`, result: 'warning' });
});

it('does not take the container of a doctor that is at work for a leftover', async () => {
  const { done, site: open } = cutOff();
  const found = await withLock(open.folder.file('trial.lock'), 0, 'it', () => run(open));
  expect(found).toMatchObject([
    { what: 'trial', result: 'failed', detail: expect.stringContaining('another psactl doctor') },
  ]);
  expect(done).toEqual([]);
});
