import { expect, it } from 'vitest';
import { Cluster, foundOf } from './cluster.ts';
import type { OpenSite } from './site.ts';

it('does not believe what a dead node last said of its guests', () => {
  const status = [
    { type: 'cluster', quorate: 1 },
    { type: 'node', name: 'pve1', online: 1 },
    { type: 'node', name: 'pve2', online: 0 },
  ];
  const guest = (node: string) => foundOf({ vmid: 230, node, status: 'running' }, status);
  expect(guest('pve1')).toEqual({ node: 'pve1', status: 'running' });
  expect(guest('pve2')).toEqual({ node: 'pve2', status: 'unknown' });
});

it('goes after a container that has moved, and runs no command twice for what that says', async () => {
  let place = 'pve1';
  const ran: string[] = [];
  const answers: Record<string, string> = {
    pve1: "Configuration file 'nodes/pve1/lxc/230.conf' does not exist\n",
    pve2: "Configuration file '/etc/psa/crm.yaml' does not exist\n",
  };
  const site = {
    client: {
      request: async (_: string, path: string) =>
        path === '/cluster/resources' ? [{ vmid: 230, node: place, status: 'running' }] : [],
    },
    shell: {
      async exec(node: string) {
        ran.push(node);
        place = 'pve2';
        return { code: 2, stdout: '', stderr: answers[node]! };
      },
    },
  } as unknown as OpenSite;
  const cluster = new Cluster(site, new AbortController().signal);
  expect((await cluster.exec(230, ['psa-crm', 'check'])).stderr).toBe(answers.pve2);
  await cluster.exec(230, ['psa-crm', 'check']);
  expect(ran).toEqual(['pve1', 'pve2', 'pve2']);
});
