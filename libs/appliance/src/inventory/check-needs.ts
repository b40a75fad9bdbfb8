import { PROGRAM_NAMES, SERVICE_PORT } from '@psa/contracts/services';
import type { Need } from '../parts/part.ts';
import { dataParts } from '../parts/parts.ts';
import { endpointVlan } from './flows.ts';
import type { Problem } from './problem.ts';
import type { Inventory } from './schema.ts';

/** Who must reach whom, as the rendered files have it. */
export const needs = (inventory: Inventory): readonly Need[] => [
  ...Object.values(dataParts()).flatMap((part) => part.needs(inventory, dataParts())),
  ...inventory.services.flatMap(({ name }) =>
    inventory.services.flatMap((other): Need[] =>
      other.name === name || other.edge_port === undefined
        ? []
        : [{ from: name, to: 'edge', port: other.edge_port, why: `requests to ${other.name}` }],
    ),
  ),
];

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

/**
 * Services that are not there and without which no portal ever answers: HAProxy hands everything to the gateway, and
 * that is ready when all the others are (`/ready` of services/gateway).
 */
export const checkCompany = ({ services }: Inventory): Problem[] =>
  PROGRAM_NAMES.filter((name) => !services.some((one) => one.name === name)).map((name) => ({
    path: ['services'],
    message:
      name === 'gateway'
        ? 'There is no gateway: nobody would answer at the portal.'
        : `There is no "${name}", and the gateway gets ready only when all services are.`,
    fix: `Add { name: ${name}, replicas: 1, port: ${SERVICE_PORT}${name === 'gateway' ? '' : ', edge_port: a free port of HAProxy'} }, and a group of containers of that name.`,
  }));
