import { example } from '@psa/appliance/inventory/example.test-helper';
import { desiredOf } from '@psa/appliance/plan/desired';
import { printMarker } from '@psa/appliance/plan/marker';
import type { Step } from '@psa/appliance/plan/step';
import { ProxmoxError } from '@psa/proxmox/client/errors';
import { expect, it } from 'vitest';
import { Cluster } from '../site/cluster.ts';
import type { OpenSite } from '../site/site.ts';
import { create, remove } from './container-steps.ts';

const desired = desiredOf(example(), undefined, { digestOf: () => 'd' });
const container = desired.containers.find(({ id }) => id === 240)!;
const { id, node } = container;

type Raw = Readonly<Record<string, unknown>>;
const half = { hostname: container.name, description: printMarker(container.marker), lock: 'create' };

/** A cluster with one container, or none. `hides`: the lists do not show it yet. `cuts`: how often a creation is cut off. */
function cluster(start: { config: Raw | null; hides?: boolean; cuts?: number }) {
  let { config, cuts = 0 } = start;
  const done: string[] = [];
  const failure = (reason: string, facts: object = {}) =>
    new ProxmoxError({ kind: 'refused', method: 'POST', path: '/', status: 500, reason, ...facts } as never);
  const client = {
    async request(method: string, path: string, params: Raw = {}) {
      if (path === '/cluster/resources')
        return config && !start.hides ? [{ vmid: id, node, type: 'lxc', status: 'stopped' }] : [];
      if (path === `/pools/${desired.pool}`) return { members: config ? [{ vmid: id }] : [] };
      if (path === '/pools') return [{ poolid: desired.pool }];
      if (path.endsWith('/status/current')) return { status: 'stopped' };
      if (!path.endsWith('/config')) return [];
      if (!config) throw failure('Configuration file does not exist');
      if (method === 'PUT') config = { ...config, ...params };
      return config;
    },
    async run(method: string, _path: string, params: Raw = {}) {
      if (config?.lock !== undefined && method === 'DELETE') throw failure('CT is locked (create)');
      if (method === 'DELETE') config = null;
      else if (config) throw failure(`CT ${id} already exists on node ${node}`);
      else if (cuts-- > 0) {
        config = half;
        throw failure('the connection broke', { kind: 'network', outcomeUnknown: true });
      } else config = { ...params, hostname: container.name };
      done.push(method);
    },
  };
  const shell = {
    async unlock() {
      const { lock: _, ...rest } = config!;
      config = rest;
      done.push('unlock');
    },
  };
  const site = { client, shell, containers: [] } as unknown as OpenSite;
  const made = new Cluster(site, new AbortController().signal);
  const template = async (path: string) => ({ path, manifest: { sha256: '' } });
  const work = { desired, cluster: made, begun: new Set<number>(), template };
  return { work, done, config: () => config };
}

const step = { id: 'create:ct:240' } as Step;

it.each<[string, Parameters<typeof cluster>[0]]>([
  ['is seen', { config: half }],
  ['is not in the lists yet', { config: half, hides: true }],
  ['is what this very creation left', { config: null, hides: true, cuts: 1 }],
])(
  'makes a container anew whose creation was cut short with the marker in it, when it %s',
  async (_, start) => {
    // Its tags are looked at where it stands, so it comes into sight once it is whole.
    const world = cluster(start);
    const making = create(world.work, step, container);
    if (start.hides) await expect(making).rejects.toThrow('Unable to find CT 240');
    else await making;
    expect(world.done).toEqual(['unlock', 'DELETE', 'POST']);
    expect(world.config()).not.toHaveProperty('lock');
  },
);

it('removes one that is locked by its creation', async () => {
  const world = cluster({ config: { ...half, tags: desired.appliance } });
  await remove(world.work, step, id, { wholly: true });
  expect(world.done).toEqual(['unlock', 'DELETE']);
});
