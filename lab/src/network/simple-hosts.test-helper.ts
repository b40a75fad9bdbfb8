import { expand } from '@psa/appliance/inventory/expand';
import type { Inventory } from '@psa/appliance/inventory/schema';
import type { Site } from '@psa/appliance/inventory/site-schema';
import type { NamespaceNetwork } from './namespace-network.ts';
import { addNamespaces, ipBatch, namespaceFile } from './namespaces.ts';

/**
 * A network namespace for each container of the inventory, with its card in its node's bridge as LXC plugs it in. The
 * first HAProxy has the virtual address, too. They go with the lab's `down`.
 * @returns the namespace's file by the container's name
 */
export async function startSimpleHosts(
  network: NamespaceNetwork,
  inventory: Inventory,
  site: Site,
): Promise<Readonly<Record<string, string>>> {
  const containers = expand(inventory, site).map((one) => ({
    ...one,
    namespace: network.namespace(`ct-${one.id}`),
    at: network.attachment(one.node, one.bridge, one.vlan),
  }));
  await addNamespaces(containers.map((one) => one.namespace));
  for (const { name } of site.nodes)
    await ipBatch(
      network.namespace(name),
      containers
        .filter((one) => one.node === name)
        .flatMap(({ id, namespace, at }) => [
          `link add veth${id}i0 type veth peer name eth0 netns ${namespace}`,
          `link set veth${id}i0 master ${at.link}`,
          `link set veth${id}i0 up`,
        ]),
    );
  for (const { namespace, address, prefix, gateway, group, number } of containers)
    await ipBatch(namespace, [
      'link set lo up',
      'link set eth0 up',
      `addr add ${address}/${prefix} dev eth0`,
      ...(group === 'haproxy' && number === 1
        ? [`addr add ${inventory.data.haproxy.virtual_address}/32 dev eth0`]
        : []),
      `route add default via ${gateway}`,
    ]);
  return Object.fromEntries(containers.map(({ name, namespace }) => [name, namespaceFile(namespace)]));
}
