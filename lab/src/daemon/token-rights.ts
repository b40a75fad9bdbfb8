import type { Access } from '../cluster/access.ts';

/** The roles of psactl's token, as the Ansible playbook makes them on a real cluster. */
const ROLES = {
  PSAContainers: [
    ...['Pool.Allocate', 'Pool.Audit', 'VM.Allocate', 'VM.Audit', 'VM.Clone', 'VM.Config.CPU'],
    ...['VM.Config.Disk', 'VM.Config.Memory', 'VM.Config.Network', 'VM.Config.Options', 'VM.Migrate'],
    ...['VM.PowerMgmt', 'VM.Snapshot', 'VM.Snapshot.Rollback'],
  ],
  PSAStorage: ['Datastore.AllocateSpace', 'Datastore.AllocateTemplate', 'Datastore.Audit'],
  PSANetwork: ['SDN.Use'],
  PSANodes: ['Sys.Audit'],
  PSABackups: ['VM.Backup'],
  PSACluster: ['Sys.Audit', 'Sys.Console', 'Sys.Modify'],
} as const;

/** Makes psactl's user, token, pool and rules, once: what someone changes later stays changed. */
export function grantToken(
  access: Access,
  token: { readonly userid: string; readonly name: string; readonly secret: string },
  pool: string,
  storages: readonly string[],
): void {
  if (access.read().roles.PSACluster) return;
  access.addToken(token.userid, token.name, { privsep: true, secret: token.secret });
  access.update((data) => {
    for (const [role, rights] of Object.entries(ROLES)) data.roles[role] ??= rights;
    data.pools[pool] ??= { vms: [], storage: [] };
    const places = [
      { path: '/', roleid: 'PSACluster', propagate: false },
      { path: '/nodes', roleid: 'PSANodes', propagate: true },
      { path: `/pool/${pool}`, roleid: 'PSAContainers', propagate: true },
      { path: '/vms', roleid: 'PSABackups', propagate: true },
      { path: '/sdn/zones/localnetwork', roleid: 'PSANetwork', propagate: true },
      ...storages.map((name) => ({ path: `/storage/${name}`, roleid: 'PSAStorage', propagate: true })),
    ];
    const { userid, name } = token;
    for (const place of places)
      data.acl.push(
        { ...place, type: 'user', ugid: userid },
        { ...place, type: 'token', ugid: `${userid}!${name}` },
      );
  });
}
