import { bodyLimitOf } from '@psa/contracts/body-limits';
import { API_PREFIX, PUBLIC_ROUTES, SERVICE_OF_PREFIX, type ServiceName } from '@psa/contracts/services';

export interface ApiRoute {
  readonly service: ServiceName;
  /** First path segment, for metrics. */
  readonly prefix: string;
  readonly isPublic: boolean;
  /** Bytes. */
  readonly bodyLimit: number;
}

/** By path alone: a service says itself which methods it has there, and guards those that are not public. */
const PUBLIC_PATHS = new Set(PUBLIC_ROUTES.map((route) => route.slice(route.indexOf(' ') + 1)));

/** Which service answers, by `METHOD path`; null: none. The path is compared as it was sent, undecoded. */
export function routeOf(method: string, url: string): ApiRoute | null {
  const end = url.indexOf('?');
  const path = end === -1 ? url : url.slice(0, end);
  if (!path.startsWith(`${API_PREFIX}/`)) return null;
  const from = API_PREFIX.length + 1;
  const slash = path.indexOf('/', from);
  const prefix = slash === -1 ? path.slice(from) : path.slice(from, slash);
  const service = SERVICE_OF_PREFIX.get(prefix);
  if (!service) return null;
  return {
    service,
    prefix,
    isPublic: PUBLIC_PATHS.has(path),
    bodyLimit: bodyLimitOf(method, path).bytes,
  };
}
