/**
 * Which service answers which first path segment under `/api/v1`. The gateway routes by this table, the
 * inventory's HAProxy and DNS names follow it, and a test compares it with the routes that services register.
 */
export const SERVICE_PREFIXES = {
  auth: ['auth', 'users', 'roles', 'api-keys', 'audit'],
  crm: ['customers', 'sites', 'contacts', 'customer-tags'],
  tickets: [
    'tickets',
    'teams',
    'technicians',
    'sla-policies',
    'calendars',
    'assignment-rules',
    'saved-views',
  ],
  events: ['events'],
  search: ['search'],
} as const;
export type ServiceName = keyof typeof SERVICE_PREFIXES;
export const SERVICE_NAMES = Object.keys(SERVICE_PREFIXES) as ServiceName[];

/**
 * Every route that needs no permission, in this one place; all else needs a token and a permission.
 * `METHOD path` as registered.
 */
export const PUBLIC_ROUTES: readonly string[] = [
  'POST /api/v1/auth/login',
  'POST /api/v1/auth/refresh',
  'POST /api/v1/auth/logout',
  'POST /api/v1/auth/forgot-password',
  'POST /api/v1/auth/reset-password',
  'GET /api/v1/auth/setup',
  'POST /api/v1/auth/setup',
  'GET /api/v1/auth/jwks',
  // Between services only; the gateway does not let it in from outside.
  'POST /internal/api-keys/exchange',
  'GET /api/v1/openapi.json',
  'GET /health',
  'GET /ready',
  'GET /metrics',
];

export const API_PREFIX = '/api/v1';
