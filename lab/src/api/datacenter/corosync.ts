import { createHash } from 'node:crypto';
import { needs, type RequestContext, type Route } from '../route.ts';

const audit = needs('/', ['Sys.Audit']);

const nodes = ({ lab }: RequestContext) =>
  lab.membership.nodes.map(({ name, id, address }) => ({
    ...{ name, node: name, nodeid: String(id), ring0_addr: address, quorum_votes: '1' },
  }));

const totem = ({ lab }: RequestContext) => ({
  ...{ cluster_name: lab.name, config_version: String(lab.membership.nodes.length), ip_version: 'ipv4-6' },
  ...{ link_mode: 'passive', secauth: 'on', version: '2', interface: { '0': { linknumber: '0' } } },
});

/** What the nodes know of each other as a cluster. */
export const COROSYNC_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/cluster/config/nodes', permission: audit, handler: nodes },
  { method: 'GET', path: '/cluster/config/totem', permission: audit, handler: totem },
  { method: 'GET', path: '/cluster/config/apiversion', permission: audit, handler: () => '1' },
  {
    method: 'GET',
    path: '/cluster/config/join',
    permission: audit,
    handler: (context) => ({
      config_digest: createHash('sha1')
        .update(JSON.stringify(totem(context)))
        .digest('hex'),
      nodelist: nodes(context).map(({ node, ...one }) => ({
        ...{ ...one, pve_addr: one.ring0_addr, pve_fp: context.lab.fingerprints[node] ?? '' },
      })),
      preferred_node: context.entry,
      totem: totem(context),
    }),
  },
];
