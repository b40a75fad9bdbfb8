import { example } from '@psa/appliance/inventory/example.test-helper';
import { expand } from '@psa/appliance/inventory/expand';
import { printMarker } from '@psa/appliance/plan/marker';
import { tempDir } from '@psa/test-kit/temp-dir';
import { expect, it } from 'vitest';
import { Cluster } from '../site/cluster.ts';
import { SiteFolder } from '../site/folder.ts';
import type { OpenSite } from '../site/site.ts';
import { desire } from './desire.ts';
import { observe } from './observe.ts';

const inventory = example();
const [site] = inventory.sites;
const containers = expand(inventory, site!);

const refused = async (node: string): Promise<never> => {
  throw new Error(`Host key verification failed for ${node}`);
};

/** The appliance on its three nodes, of which these are down; no ssh works unless it is given. */
async function look(
  down: readonly string[],
  execEach: (node: string, commands: ReadonlyMap<number, unknown>) => Promise<unknown> = refused,
  beforeConfig: Promise<unknown> = Promise.resolve(),
) {
  const dir = await tempDir('observe');
  try {
    const folder = new SiteFolder(dir.path);
    const known = {
      inventory,
      site: site!,
      containers,
      folder,
      path: (named: string) => `/etc/psa/${named}`,
    };
    const desired = await desire(known as unknown as OpenSite, {
      ...{ recreate: [], removeData: false, schedule: 'later' },
    });
    const isOnline = (node: string) => !down.includes(node);
    const client = {
      async request(_: string, path: string) {
        if (path === '/version') return { version: '9.1.4' };
        if (path === '/cluster/status')
          return site!.nodes.map(({ name }) => ({ type: 'node', name, online: Number(isOnline(name)) }));
        if (path === '/cluster/resources')
          return containers.map(({ id, node, name, tags }) => ({
            ...{ vmid: id, node, name, type: 'lxc', status: 'running', tags: tags.join(';') },
          }));
        const id = Number(/lxc\/(\d+)\/config$/.exec(path)?.[1]);
        if (id) await beforeConfig;
        const one = desired.containers.find((container) => container.id === id);
        return one ? { hostname: one.name, description: printMarker(one.marker) } : [];
      },
    };
    const open = { ...known, client, shell: { execEach } } as unknown as OpenSite;
    return await observe(new Cluster(open, new AbortController().signal), desired, {
      ...{ journal: [], inside: true },
    });
  } finally {
    await dir.remove();
  }
}

it('says on which nodes no container could be reached, and names apart those that are down', async () => {
  const [first, second, third] = site!.nodes.map(({ name }) => name).sort() as [string, string, string];
  await expect(look([second, third])).rejects.toMatchObject({
    message: `Unable to look into the containers on ${first}: not one of them could be reached by ssh.`,
    why: `${first}: Host key verification failed for ${first}; ${second}, ${third} are down and are not counted.`,
    fix: expect.stringContaining('known_hosts'),
  });
  await expect(look([])).rejects.toMatchObject({ why: expect.not.stringContaining('down') });
  // Nobody is there to be asked: that is no fault of ssh.
  expect((await look([first, second, third])).nodes).toEqual({
    ...{ [first]: 'offline', [second]: 'offline', [third]: 'offline' },
  });
});

it('asks in the containers, which takes longest, while it still asks the cluster', async () => {
  const asked = Promise.withResolvers<void>();
  const nodes: string[] = [];
  const { guests } = await look(
    [],
    async (node, commands) => {
      nodes.push(node);
      if (nodes.length === site!.nodes.length) asked.resolve();
      const answer = { code: 0, stdout: 'digest none\nend\n', stderr: '' };
      return new Map([...commands.keys()].map((id) => [id, answer]));
    },
    asked.promise,
  );
  expect(guests.every(({ inside, config }) => inside !== null && config !== null)).toBe(true);
});
