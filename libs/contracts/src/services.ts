/** What the rest of the platform has to know of one service. */
interface ServiceFacts {
  /** First path segments under `/api/v1` that it answers. The gateway itself answers none of its own. */
  readonly prefixes: readonly string[];
  /** Routes that need no token and no permission, `METHOD path` as registered; all others need both. */
  readonly publicRoutes?: readonly string[];
  /** Port on HAProxy's inner address where the other services reach it; the gateway is reached by HTTPS. */
  readonly edgePort?: number;
  /** Connections to PostgreSQL in the embedded target; together well below that server's 100. */
  readonly connections: number;
  /**
   * Its ten container ids and addresses: 22 means ids 220–229, addresses from `.20` on in the services' VLAN. 20 is
   * HAProxy's, 30–33 are the data parts'.
   */
  readonly decade: number;
  /** Cores of each container, memory in MiB, and how many there are, on a cluster of three hosts. */
  readonly cluster: { readonly cores: number; readonly memoryMb: number; readonly replicas: number };
  /** Memory in MiB of each container in a lab, where one machine holds everything. */
  readonly labMemoryMb: number;
}

const USUAL = { cores: 2, memoryMb: 2_048, replicas: 2 };

/**
 * The services: the one list. The gateway routes by it, the embedded target builds from it, and so do the example
 * inventory, the lab, releases and guards. CONTRIBUTING says what else a new service needs.
 */
export const SERVICES = {
  gateway: { prefixes: [], connections: 0, decade: 21, cluster: USUAL, labMemoryMb: 384 },
  auth: {
    prefixes: ['auth', 'users', 'roles', 'api-keys', 'audit', 'backups'],
    publicRoutes: [
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
    ],
    ...{ edgePort: 3001, connections: 6, decade: 22, cluster: USUAL, labMemoryMb: 256 },
  },
  crm: {
    prefixes: ['customers', 'sites', 'contacts', 'customer-tags'],
    ...{ edgePort: 3002, connections: 5, decade: 23, cluster: USUAL, labMemoryMb: 256 },
  },
  tickets: {
    prefixes: [
      'tickets',
      'teams',
      'technicians',
      'sla-policies',
      'calendars',
      'assignment-rules',
      'saved-views',
      'categories',
      'attachment-quota',
    ],
    ...{ edgePort: 3003, connections: 10, decade: 24, labMemoryMb: 384 },
    cluster: { cores: 4, memoryMb: 4_096, replicas: 3 },
  },
  events: {
    prefixes: ['events'],
    ...{ edgePort: 3004, connections: 4, decade: 25, cluster: USUAL, labMemoryMb: 256 },
  },
  search: {
    prefixes: ['search'],
    ...{ edgePort: 3005, connections: 4, decade: 26, cluster: USUAL, labMemoryMb: 256 },
  },
} as const satisfies Readonly<Record<string, ServiceFacts>>;

/** A program of the platform: the gateway or a service behind it. */
export type ProgramName = keyof typeof SERVICES;
/** A service behind the gateway. */
export type ServiceName = Exclude<ProgramName, 'gateway'>;

export const PROGRAM_NAMES = Object.keys(SERVICES) as ProgramName[];
export const SERVICE_NAMES = PROGRAM_NAMES.filter((name): name is ServiceName => name !== 'gateway');

/** The facts of a program, with what some have not. */
export const factsOf = (name: ProgramName): ServiceFacts => SERVICES[name];

/** Which service answers a first path segment. */
export const SERVICE_OF_PREFIX: ReadonlyMap<string, ServiceName> = new Map(
  SERVICE_NAMES.flatMap((name) => SERVICES[name].prefixes.map((prefix) => [prefix, name] as const)),
);

/** Where each of them listens in its own container. */
export const SERVICE_PORT = 3_000;

export const API_PREFIX = '/api/v1';

/** Every route that needs no permission; all else needs a token and a permission. `METHOD path` as registered. */
export const PUBLIC_ROUTES: readonly string[] = [
  ...PROGRAM_NAMES.flatMap((name) => factsOf(name).publicRoutes ?? []),
  'GET /api/v1/openapi.json',
  'GET /health',
  'GET /ready',
  'GET /metrics',
];
