/** A category of privileges: who gets which by the roles that are made of it (PVE::AccessControl). */
interface Category {
  readonly root?: readonly string[];
  readonly admin: readonly string[];
  readonly user?: readonly string[];
  readonly audit?: readonly string[];
}

const CATEGORIES: Readonly<Record<string, Category>> = {
  VM: {
    admin: [
      ...['VM.Config.Disk', 'VM.Config.CPU', 'VM.Config.Memory', 'VM.Config.Network', 'VM.Config.HWType'],
      ...['VM.Config.Options', 'VM.Allocate', 'VM.Clone', 'VM.GuestAgent.Unrestricted', 'VM.Migrate'],
      ...['VM.Replicate', 'VM.Snapshot', 'VM.Snapshot.Rollback'],
    ],
    user: [
      ...['VM.Config.CDROM', 'VM.Config.Cloudinit', 'VM.Console', 'VM.Backup', 'VM.GuestAgent.FileRead'],
      ...['VM.GuestAgent.FileSystemMgmt', 'VM.GuestAgent.FileWrite', 'VM.PowerMgmt'],
    ],
    audit: ['VM.Audit', 'VM.GuestAgent.Audit'],
  },
  Sys: {
    root: ['Sys.PowerMgmt', 'Sys.Modify', 'Sys.Incoming', 'Sys.AccessNetwork'],
    admin: ['Sys.Console', 'Sys.Syslog'],
    audit: ['Sys.Audit'],
  },
  Datastore: {
    admin: ['Datastore.Allocate', 'Datastore.AllocateTemplate'],
    user: ['Datastore.AllocateSpace'],
    audit: ['Datastore.Audit'],
  },
  SDN: { admin: ['SDN.Allocate', 'SDN.Audit'], user: ['SDN.Use'], audit: ['SDN.Audit'] },
  User: { root: ['Realm.Allocate'], admin: ['User.Modify', 'Group.Allocate', 'Realm.AllocateUser'] },
  Pool: { admin: ['Pool.Allocate'], user: ['Pool.Audit'], audit: ['Pool.Audit'] },
  Mapping: { admin: ['Mapping.Modify'], user: ['Mapping.Use'], audit: ['Mapping.Audit'] },
};

const of = ({ root = [], admin, user = [], audit = [] }: Category) => ({
  all: [...root, ...admin, ...user, ...audit],
  admin: [...admin, ...user, ...audit],
  user: user.length > 0 ? [...user, ...audit] : null,
  audit,
});
const unique = (names: readonly string[]): readonly string[] => [...new Set(names)].sort();
const categories = Object.entries(CATEGORIES).map(([name, category]) => ({ name, ...of(category) }));

/** Every privilege of Proxmox VE 9. */
export const PRIVILEGES: readonly string[] = unique([
  'Permissions.Modify',
  ...categories.flatMap(({ all }) => all),
]);

/** The roles that every cluster has. */
export const BUILT_IN_ROLES: Readonly<Record<string, readonly string[]>> = {
  Administrator: PRIVILEGES,
  NoAccess: [],
  PVEAdmin: unique(categories.flatMap(({ admin }) => admin)).filter((name) => name !== 'Mapping.Modify'),
  PVEAuditor: unique(categories.flatMap(({ audit }) => audit)),
  PVETemplateUser: ['VM.Audit', 'VM.Clone'],
  ...Object.fromEntries(categories.map(({ name, admin }) => [`PVE${name}Admin`, unique(admin)])),
  ...Object.fromEntries(
    categories.flatMap(({ name, user }) => (user === null ? [] : [[`PVE${name}User`, unique(user)]])),
  ),
};
