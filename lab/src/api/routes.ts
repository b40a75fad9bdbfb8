import { GROUP_ROUTES } from './access/groups.ts';
import { REALM_ROUTES } from './access/realms.ts';
import { RULE_ROUTES } from './access/rules.ts';
import { sessionRoutes } from './access/session.ts';
import { TOKEN_ROUTES } from './access/tokens.ts';
import { USER_ROUTES } from './access/users.ts';
import type { Authenticator } from './auth.ts';
import { BACKUP_ROUTES } from './backup/routes.ts';
import { CLUSTER_ROUTES } from './datacenter/cluster.ts';
import { COROSYNC_ROUTES } from './datacenter/corosync.ts';
import { POOL_ROUTES } from './datacenter/pools.ts';
import { REPLICATION_ROUTES } from './datacenter/replication.ts';
import { FIREWALL_ROUTES } from './firewall/routes.ts';
import { HA_ROUTES } from './ha/routes.ts';
import { INDEX_ROUTES } from './indexes.ts';
import { CLONE_ROUTES } from './lxc/clone.ts';
import { CONFIG_ROUTES } from './lxc/config.ts';
import { CREATE_ROUTES } from './lxc/create.ts';
import { DESTROY_ROUTES } from './lxc/destroy.ts';
import { GUEST_ROUTES } from './lxc/guests.ts';
import { MIGRATE_ROUTES } from './lxc/migrate.ts';
import { STATUS_ROUTES } from './lxc/status.ts';
import { VOLUME_ROUTES } from './lxc/volumes.ts';
import { BULK_ROUTES } from './node/bulk.ts';
import { EQUIPMENT_ROUTES } from './node/equipment.ts';
import { NETWORK_ROUTES } from './node/network.ts';
import { NODE_ROUTES } from './node/nodes.ts';
import { STORAGE_ROUTES } from './node/storage.ts';
import { SYSTEM_ROUTES } from './node/system.ts';
import { TASK_ROUTES } from './node/tasks.ts';
import type { Route } from './route.ts';

/** Every route of the lab's API. */
export const labRoutes = (auth: Authenticator): readonly Route[] => [
  ...sessionRoutes(auth),
  ...USER_ROUTES,
  ...TOKEN_ROUTES,
  ...GROUP_ROUTES,
  ...RULE_ROUTES,
  ...REALM_ROUTES,
  ...CLUSTER_ROUTES,
  ...POOL_ROUTES,
  ...COROSYNC_ROUTES,
  ...REPLICATION_ROUTES,
  ...INDEX_ROUTES,
  ...FIREWALL_ROUTES,
  ...NODE_ROUTES,
  ...BULK_ROUTES,
  ...EQUIPMENT_ROUTES,
  ...NETWORK_ROUTES,
  ...SYSTEM_ROUTES,
  ...TASK_ROUTES,
  ...STORAGE_ROUTES,
  ...GUEST_ROUTES,
  ...CREATE_ROUTES,
  ...CONFIG_ROUTES,
  ...STATUS_ROUTES,
  ...VOLUME_ROUTES,
  ...CLONE_ROUTES,
  ...MIGRATE_ROUTES,
  ...DESTROY_ROUTES,
  ...BACKUP_ROUTES,
  ...HA_ROUTES,
];
