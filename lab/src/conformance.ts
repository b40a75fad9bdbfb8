import { ApiSchema, type Params, type Verdict } from '@psa/proxmox/schema/api-schema';
import type { ApiDoc } from '@psa/proxmox/schema/apidoc';

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

/** Parameters that servers of the lab's release take and the schema of an earlier one does not have. */
const LATER = [
  {
    path: '/access/users/{userid}/token/{tokenid}',
    method: 'PUT',
    key: 'regenerate',
    property: { type: 'boolean', optional: 1, default: 0 },
  },
] as const;

function withLater(schema: ApiSchema): ApiSchema {
  const doc = structuredClone(schema.doc) as Record<
    string,
    Record<string, { parameters?: { properties?: Record<string, unknown> } }>
  >;
  for (const { path, method, key, property } of LATER) {
    const properties = doc[path]?.[method]?.parameters?.properties;
    if (properties) properties[key] ??= property;
  }
  return new ApiSchema(doc as unknown as ApiSchema['doc']);
}

const UNDEFINED = 'property is not defined in schema and the schema does not allow additional properties';
const MISSING = 'property is missing and it is not optional';
const RULES = '/cluster/ha/rules';
/** What a rule of each type has, and whether a new one must; the rest stands beside the types. */
const RULE_TYPES: Readonly<Record<string, Readonly<Record<string, boolean>>>> = {
  'node-affinity': { resources: true, nodes: true, strict: false, disable: false, comment: false },
  'resource-affinity': { resources: true, affinity: true, disable: false, comment: false },
};
const BESIDE: ReadonlySet<string> = new Set(['rule', 'type', 'digest', 'delete']);

/** Rules are checked by their type (PVE::JSONSchema, check_one_of), which the earlier schema did not have. */
function byRuleType(verdict: Verdict, given: Params): Verdict {
  if (verdict.kind === 'unknown') return verdict;
  const { template, doc } = verdict;
  const isNew = template === RULES && doc.method === 'POST';
  if (!isNew && !(template === `${RULES}/{rule}` && doc.method === 'PUT')) return verdict;
  const before = verdict.kind === 'invalid' ? verdict.errors : {};
  const type = String(given.type ?? '');
  const own = Object.hasOwn(RULE_TYPES, type) ? RULE_TYPES[type]! : {};
  const errors: Record<string, string> = {};
  for (const [key, text] of Object.entries(before))
    if (Object.hasOwn(own, key)) errors[`oneOf[${type}].${key}`] = text;
    else if (BESIDE.has(key)) errors[key] = text;
  for (const key of Object.keys(given))
    if (!BESIDE.has(key) && !Object.hasOwn(own, key)) errors[key] = UNDEFINED;
  for (const [key, isNeeded] of Object.entries(own))
    if (isNew && isNeeded && (given[key] ?? null) === null) errors[`oneOf[${type}].${key}`] = MISSING;
  return Object.keys(errors).length === 0 ? verdict : { kind: 'invalid', template, doc, errors };
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
    this.#schema = withLater(schema);
  }

  /** Every route of the release. */
  get doc(): ApiDoc {
    return this.#schema.doc;
  }

  /** Checks a request and counts it. */
  check(method: string, path: string, params: Params): Verdict {
    const verdict = byRuleType(this.#schema.check(method, path, params), params);
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
