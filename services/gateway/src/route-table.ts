import {
  API_PREFIX,
  PUBLIC_ROUTES,
  SERVICE_NAMES,
  SERVICE_PREFIXES,
  type ServiceName,
} from '@psa/contracts/routing';

const KIB = 1024;
const MIB = 1024 * KIB;
export const JSON_LIMIT = MIB;

/** Routes that take more than ordinary JSON: 25 MiB files with their multipart frame, import batches, CSV files. */
const LARGER: readonly [RegExp, number][] = [
  [/^\/api\/v1\/tickets\/[^/]+\/(comments\/[^/]+\/)?attachments$/, 26 * MIB],
  [/^\/api\/v1\/tickets\/import$/, 8 * MIB],
  [/^\/api\/v1\/[a-z-]+\/import(-csv)?$/, 10 * MIB],
];

export interface ApiRoute {
  readonly service: ServiceName;
  /** First path segment, for metrics. */
  readonly prefix: string;
  readonly isPublic: boolean;
  /** Bytes. */
  readonly bodyLimit: number;
}

const SERVICE_OF = new Map<string, ServiceName>(
  SERVICE_NAMES.flatMap((service) => SERVICE_PREFIXES[service].map((prefix) => [prefix, service] as const)),
);
const PUBLIC = new Set(PUBLIC_ROUTES);

/** Which service answers, by `METHOD path`; null: none. The path is compared as it was sent, undecoded. */
export function routeOf(method: string, url: string): ApiRoute | null {
  const end = url.indexOf('?');
  const path = end === -1 ? url : url.slice(0, end);
  if (!path.startsWith(`${API_PREFIX}/`)) return null;
  const from = API_PREFIX.length + 1;
  const slash = path.indexOf('/', from);
  const prefix = slash === -1 ? path.slice(from) : path.slice(from, slash);
  const service = SERVICE_OF.get(prefix);
  if (!service) return null;
  return {
    service,
    prefix,
    isPublic: PUBLIC.has(`${method} ${path}`),
    bodyLimit: LARGER.find(([pattern]) => pattern.test(path))?.[1] ?? JSON_LIMIT,
  };
}
