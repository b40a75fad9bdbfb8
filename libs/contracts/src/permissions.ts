/**
 * Every permission of the platform: `resource:action[:scope]`. Routes name one in their config
 * (`repo.test.ts` fails on a route without); roles are data and hold any set of them.
 * `*` stands for all, `ticket:*` for all of a resource.
 */
export const PERMISSIONS = [
  'ticket:view:all',
  'ticket:view:own',
  'ticket:create',
  'ticket:update',
  'ticket:assign',
  'ticket:delete',
  'ticket:comment',
  'ticket:comment:internal',
  'ticket:import',
  'ticket:export',
  'time:view',
  'time:create',
  'time:manage',
  'desk:view',
  'desk:manage',
  'customer:view',
  'customer:create',
  'customer:update',
  'customer:delete',
  'customer:import',
  'customer:export',
  'contact:view',
  'contact:create',
  'contact:update',
  'contact:delete',
  'user:view',
  'user:create',
  'user:update',
  'user:delete',
  'role:view',
  'role:manage',
  'api_key:view',
  'api_key:revoke',
  'audit:view',
  'backup:view',
  'backup:report',
  'event:view',
  'event:test',
  'event:stream',
  'search:query',
  'search:manage',
  'self:manage',
] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** True when `held` grants `wanted`: literally, by `resource:*`, by `*`, or by a wider scope (`:all` ⊇ `:own`). */
export function grants(held: ReadonlySet<string>, wanted: Permission): boolean {
  if (held.has('*') || held.has(wanted)) return true;
  const resource = wanted.slice(0, wanted.indexOf(':'));
  if (held.has(`${resource}:*`)) return true;
  return wanted.endsWith(':own') && held.has(`${wanted.slice(0, -4)}:all`);
}

const EVERY_STAFF: Permission[] = [
  'ticket:view:all',
  'ticket:create',
  'ticket:update',
  'ticket:comment',
  'ticket:comment:internal',
  'time:view',
  'time:create',
  'desk:view',
  'customer:view',
  'contact:view',
  'contact:create',
  'contact:update',
  'user:view',
  'event:stream',
  'search:query',
  'self:manage',
];
const EVERY_CUSTOMER: Permission[] = [
  'ticket:view:own',
  'ticket:create',
  'ticket:update',
  'ticket:comment',
  'ticket:export',
  'event:stream',
  'search:query',
  'self:manage',
];

/** The roles every tenant starts with. System roles cannot be deleted; their permissions may be changed. */
export const DEFAULT_ROLES: Record<
  string,
  { title: { de: string; en: string }; audience: 'staff' | 'customer'; permissions: (Permission | '*')[] }
> = {
  system_admin: {
    title: { de: 'Administration', en: 'Administrator' },
    audience: 'staff',
    permissions: ['*'],
  },
  service_manager: {
    title: { de: 'Serviceleitung', en: 'Service manager' },
    audience: 'staff',
    permissions: [
      ...EVERY_STAFF,
      'ticket:assign',
      'ticket:delete',
      'ticket:import',
      'ticket:export',
      'time:manage',
      'desk:manage',
      'customer:create',
      'customer:update',
      'customer:delete',
      'customer:import',
      'customer:export',
      'contact:delete',
      'role:view',
      'audit:view',
      'event:view',
    ],
  },
  dispatcher: {
    title: { de: 'Disposition', en: 'Dispatcher' },
    audience: 'staff',
    permissions: [...EVERY_STAFF, 'ticket:assign', 'ticket:export', 'customer:create', 'customer:update'],
  },
  technician_l1: {
    title: { de: 'Technik L1', en: 'Technician L1' },
    audience: 'staff',
    permissions: [...EVERY_STAFF, 'ticket:assign'],
  },
  technician_l2: {
    title: { de: 'Technik L2', en: 'Technician L2' },
    audience: 'staff',
    permissions: [...EVERY_STAFF, 'ticket:assign', 'customer:update'],
  },
  technician_l3: {
    title: { de: 'Technik L3', en: 'Technician L3' },
    audience: 'staff',
    permissions: [...EVERY_STAFF, 'ticket:assign', 'customer:update', 'event:view'],
  },
  billing: {
    title: { de: 'Abrechnung', en: 'Billing' },
    audience: 'staff',
    permissions: [
      'ticket:view:all',
      'time:view',
      'desk:view',
      'customer:view',
      'ticket:export',
      'customer:export',
      'contact:view',
      'search:query',
      'event:stream',
      'self:manage',
    ],
  },
  customer_admin: {
    title: { de: 'Kundenadministration', en: 'Customer administrator' },
    audience: 'customer',
    permissions: [
      ...EVERY_CUSTOMER,
      'ticket:view:all',
      'customer:view',
      'contact:view',
      'contact:create',
      'contact:update',
    ],
  },
  customer_user: {
    title: { de: 'Kunde', en: 'Customer user' },
    audience: 'customer',
    permissions: EVERY_CUSTOMER,
  },
};

/**
 * What a customer's people may be given. Row-level security keeps them inside their company whatever their role
 * says; this keeps roles and settings of the whole tenant out of their reach too.
 */
export const CUSTOMER_PERMISSIONS: ReadonlySet<string> = new Set(
  Object.values(DEFAULT_ROLES)
    .filter((role) => role.audience === 'customer')
    .flatMap((role) => role.permissions)
    .concat('customer:export', 'contact:delete'),
);
