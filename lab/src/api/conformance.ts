import type { ApiSchema, Params, Verdict } from '@psa/proxmox/schema/api-schema';

/** Requests that are not as Proxmox VE's schema wants them. */
export interface Misfit {
  /** `POST /nodes/{node}/lxc`, or the path as it came when the schema has no such route. */
  readonly request: string;
  /** Field → message; empty: there is no such route. */
  readonly errors: Readonly<Record<string, string>>;
  readonly times: number;
}

/** What the lab's clients asked since its daemon began, held against the schema. */
export interface ConformanceReport {
  readonly requests: number;
  /** `GET /nodes/{node}/lxc` → how often it was asked as the schema wants it. */
  readonly fitting: Readonly<Record<string, number>>;
  readonly misfits: readonly Misfit[];
}

/** As many kinds of misfits are kept; a client gone wild is not to fill the memory. */
const KINDS = 100;

/** Holds every request against the schema, whatever becomes of it: also one that is refused before its parameters matter. */
export class Conformance {
  readonly #schema: ApiSchema;
  readonly #fitting = new Map<string, number>();
  readonly #misfits = new Map<string, Misfit>();
  #requests = 0;

  constructor(schema: ApiSchema) {
    this.#schema = schema;
  }

  /** Checks a request and counts it. */
  check(method: string, path: string, params: Params): Verdict {
    const verdict = this.#schema.check(method, path, params);
    this.#count(method, path, verdict);
    return verdict;
  }

  #count(method: string, path: string, verdict: Verdict): void {
    this.#requests++;
    const request = `${method} ${verdict.kind === 'unknown' ? path : verdict.template}`;
    if (verdict.kind === 'valid') {
      this.#fitting.set(request, (this.#fitting.get(request) ?? 0) + 1);
      return;
    }
    const errors = verdict.kind === 'invalid' ? { ...verdict.errors } : {};
    const key = `${request} ${JSON.stringify(errors)}`;
    const known = this.#misfits.get(key);
    if (!known && this.#misfits.size >= KINDS) return;
    this.#misfits.set(key, { request, errors, times: (known?.times ?? 0) + 1 });
  }

  report(): ConformanceReport {
    return {
      requests: this.#requests,
      fitting: Object.fromEntries([...this.#fitting].sort(([a], [b]) => (a < b ? -1 : 1))),
      misfits: [...this.#misfits.values()],
    };
  }
}
