import { sessionRoutes } from './access/session.ts';
import { USER_ROUTES } from './access/users.ts';
import type { Authenticator } from './auth.ts';
import { BACKUP_ROUTES } from './backup/routes.ts';
import { CLUSTER_ROUTES } from './datacenter/cluster.ts';
import { POOL_ROUTES } from './datacenter/pools.ts';
import { HA_ROUTES } from './ha/routes.ts';
import { CLONE_ROUTES } from './lxc/clone.ts';
import { CONFIG_ROUTES } from './lxc/config.ts';
import { CREATE_ROUTES } from './lxc/create.ts';
import { DESTROY_ROUTES } from './lxc/destroy.ts';
import { GUEST_ROUTES } from './lxc/guests.ts';
import { MIGRATE_ROUTES } from './lxc/migrate.ts';
import { STATUS_ROUTES } from './lxc/status.ts';
import { NODE_ROUTES } from './node/nodes.ts';
import { STORAGE_ROUTES } from './node/storage.ts';
import { TASK_ROUTES } from './node/tasks.ts';
import type { Route } from './route.ts';

/** Every route of the lab's API. */
export const labRoutes = (auth: Authenticator): readonly Route[] => [
  ...sessionRoutes(auth),
  ...USER_ROUTES,
  ...CLUSTER_ROUTES,
  ...POOL_ROUTES,
  ...NODE_ROUTES,
  ...TASK_ROUTES,
  ...STORAGE_ROUTES,
  ...GUEST_ROUTES,
  ...CREATE_ROUTES,
  ...CONFIG_ROUTES,
  ...STATUS_ROUTES,
  ...CLONE_ROUTES,
  ...MIGRATE_ROUTES,
  ...DESTROY_ROUTES,
  ...BACKUP_ROUTES,
  ...HA_ROUTES,
];
