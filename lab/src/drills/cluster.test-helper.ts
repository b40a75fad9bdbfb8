import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Container } from '@psa/appliance/inventory/expand';
import { ProxmoxClient } from '@psa/proxmox/client/client';
import type { Rig } from './rig.test-helper.ts';

/** Somebody at the cluster's own web interface: acts past psactl. */
export async function openCluster({ site, dir }: Rig) {
  const [tokenId, secret] = readFileSync(`${dir}/token`, 'utf8').trim().split(/=(.*)/s) as [string, string];
  const client = new ProxmoxClient({
    endpoints: site.nodes.map((node) => {
      const url = new URL(node.api!);
      return {
        ...{ host: url.hostname, port: Number(url.port), node: node.name },
        fingerprints: [node.fingerprint!],
      };
    }),
    credentials: { tokenId, secret },
  });
  const guests = () =>
    client.request<{ vmid: number; node: string; name: string; pool?: string }[]>(
      'GET',
      '/cluster/resources',
      {
        type: 'vm',
      },
    );
  const pathOf = async ({ id }: Container) => {
    const guest = (await guests()).find((one) => one.vmid === id);
    if (!guest) throw new Error(`There is no container ${id}.`);
    return `/nodes/${guest.node}/lxc/${id}`;
  };
  return {
    client,
    guests,
    /** Stops and destroys a container, its HA resource too. */
    async remove(container: Container) {
      const path = await pathOf(container);
      if (container.ha === 'managed') {
        const sid = `ct:${container.id}`;
        await client.request('DELETE', `/cluster/ha/resources/${sid}`);
        // Until the manager's next round the node's agent starts it again.
        while ((await client.haServices()).some((one) => one.sid === sid)) await sleep(500);
      }
      await client.run('POST', `${path}/status/stop`);
      await client.run('DELETE', path, { purge: 1 });
    },
    async setMemory(container: Container, memory: number) {
      await client.request('PUT', `${await pathOf(container)}/config`, { memory });
    },
    /** HA resources by their ids. */
    haResources: async () =>
      (await client.request<{ sid: string }[]>('GET', '/cluster/ha/resources')).map((one) => one.sid).sort(),
    close: () => client.close(),
  };
}
