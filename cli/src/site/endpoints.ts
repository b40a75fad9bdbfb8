import type { Inventory } from '@psa/appliance/inventory/schema';
import type { Node, Site } from '@psa/appliance/inventory/site-schema';

/** The API of a node, and where the inventory has its fingerprint. */
export interface NodeEndpoint {
  readonly node: string;
  readonly host: string;
  readonly port: number;
  /** `sites[0].nodes[1].fingerprint` */
  readonly field: string;
  readonly fingerprints?: readonly string[];
}

/** The APIs of a site's nodes. */
export function endpointsOf(inventory: Inventory, site: Site): readonly NodeEndpoint[] {
  const at = inventory.sites.findIndex(({ name }) => name === site.name);
  return site.nodes.map((node, index) => ({
    ...{ node: node.name, ...addressOf(node), field: `sites[${at}].nodes[${index}].fingerprint` },
    ...(node.fingerprint === undefined ? {} : { fingerprints: [node.fingerprint] }),
  }));
}

function addressOf(node: Node): { readonly host: string; readonly port: number } {
  const url = new URL(node.api ?? `https://${node.address}:8006`);
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 443 : Number(url.port),
  };
}
