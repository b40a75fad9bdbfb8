import { endpointVlan } from './flows.ts';
import { DATA_PORTS, METRICS_PORTS } from './ports.ts';
import type { Problem } from './problem.ts';
import type { Inventory } from './schema.ts';

/** A connection without which the platform does not work. */
export interface Need {
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly why: string;
}

/** Who must reach whom, as the rendered files have it. */
export function needs(inventory: Inventory): readonly Need[] {
  const { services, containers, data } = inventory;
  const { postgres } = data;
  return [
    { from: 'internet', to: 'edge', port: 443, why: 'portals and API' },
    ...services.map(({ name, port }) => ({ from: 'haproxy', to: name, port, why: 'requests' })),
    { from: 'haproxy', to: 'postgres', port: DATA_PORTS.pgbouncer, why: 'the database' },
    { from: 'haproxy', to: 'postgres', port: DATA_PORTS.patroni, why: 'the role of each member' },
    ...services.flatMap(({ name }): Need[] => [
      ...services.flatMap((other) =>
        other.name === name || other.edge_port === undefined
          ? []
          : [{ from: name, to: 'edge', port: other.edge_port, why: `requests to ${other.name}` }],
      ),
      { from: name, to: 'redis', port: DATA_PORTS.redis, why: 'cache' },
      { from: name, to: 'redis', port: DATA_PORTS.sentinel, why: 'the master of the cache' },
      // The gateway has no data of its own.
      ...(name === 'gateway'
        ? []
        : [
            { from: name, to: 'edge', port: postgres.write_port, why: 'the database' },
            { from: name, to: 'edge', port: postgres.read_port, why: 'the replicas of the database' },
            { from: name, to: 'rabbitmq', port: DATA_PORTS.rabbitmq, why: 'events' },
          ]),
    ]),
    ...services.map(({ name, port }) => ({ from: 'monitoring', to: name, port, why: 'metrics' })),
    ...containers.map(({ name }) => ({
      ...{ from: 'monitoring', to: name, port: METRICS_PORTS.machine, why: 'metrics of the machine' },
    })),
    { from: 'monitoring', to: 'nodes', port: METRICS_PORTS.machine, why: 'metrics of the machine' },
    { from: 'monitoring', to: 'haproxy', port: METRICS_PORTS.haproxy, why: 'metrics' },
    { from: 'monitoring', to: 'postgres', port: DATA_PORTS.patroni, why: 'metrics' },
    { from: 'monitoring', to: 'postgres', port: DATA_PORTS.etcd, why: 'metrics of etcd' },
    { from: 'monitoring', to: 'rabbitmq', port: METRICS_PORTS.rabbitmq, why: 'metrics' },
    { from: 'monitoring', to: 'redis', port: METRICS_PORTS.redis, why: 'metrics' },
  ];
}

/** The connections that the platform needs and no flow allows. */
export function checkNeeds(inventory: Inventory): Problem[] {
  return inventory.sites.flatMap((site, at) => {
    // The VLANs of groups are the same in every site; only its nodes may stand elsewhere.
    const vlanOf = (name: string) => endpointVlan(inventory, site, name);
    const fits = (end: string, wanted: string) => end === wanted || end === vlanOf(wanted)?.name;
    return needs(inventory)
      .filter(({ from, to, port }) => {
        if (at > 0 && to !== 'nodes') return false;
        if (vlanOf(from) !== null && vlanOf(from) === vlanOf(to)) return false;
        return !inventory.flows.some(
          (flow) =>
            flow.protocol === 'tcp' &&
            fits(flow.from, from) &&
            fits(flow.to, to) &&
            (flow.ports ?? []).some((one) => holdsPort(String(one), port)),
        );
      })
      .map(({ from, to, port, why }) => ({
        path: ['flows'],
        message: `Nothing lets "${from}" reach "${to}" on port ${port} (${why}).`,
        fix: `Add { from: ${from}, to: ${to}, protocol: tcp, ports: [${port}], why: ${why} }.`,
      }));
  });
}

function holdsPort(range: string, port: number): boolean {
  const [first, last] = range.split('-').map(Number) as [number, number?];
  return port >= first && port <= (last ?? first);
}
