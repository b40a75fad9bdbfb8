import { AppError } from './errors.ts';

/** Which methods each registered path has: 405 instead of 404 where only the method is wrong (RFC 9110 §15.5.6). */
export class KnownMethods {
  readonly #paths = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>();

  /** `url` as registered, such as `/api/v1/tickets/:id`. */
  add(method: string, url: string): void {
    let path = this.#paths.get(url);
    if (!path) {
      const parts = url
        .split('/')
        .map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')));
      path = { pattern: new RegExp(`^${parts.join('/')}$`), methods: new Set() };
      this.#paths.set(url, path);
    }
    path.methods.add(method);
  }

  /**
   * What to say of a request that a route with parameters took although its path is another's: `GET /tickets/bulk` is
   * no question for a ticket named "bulk". Null for all others.
   */
  mistaken(method: string, url: string): AppError | null {
    const known = this.#paths.get(pathOf(url));
    return known && !known.methods.has(method) ? this.missing(method, url) : null;
  }

  /** What to say of a request that no route took. */
  missing(method: string, url: string): AppError {
    const path = pathOf(url);
    const message = `There is no ${method} ${path}.`;
    const allowed = this.#paths.get(path)?.methods ?? this.#methodsAt(path);
    // A parameter that is too long is no route's, although its method would be.
    if (allowed.size === 0 || allowed.has(method)) return new AppError(404, 'RESOURCE_NOT_FOUND', message);
    return new AppError(405, 'METHOD_NOT_ALLOWED', message, { allowed: [...allowed].sort() });
  }

  #methodsAt(path: string): Set<string> {
    const all = new Set<string>();
    for (const { pattern, methods } of this.#paths.values()) {
      if (pattern.test(path)) for (const one of methods) all.add(one);
    }
    return all;
  }
}

const pathOf = (url: string): string => url.split('?', 1)[0]!;
