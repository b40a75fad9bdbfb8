import type { ApiDoc, MethodDoc } from './apidoc.ts';
import { loadApiDoc } from './apidoc.ts';
import { checkObject, type FieldErrors, type ParamValue } from './check.ts';
import { RouteTable } from './routes.ts';

/** The parameters of a request, without those of its path. */
export type Params = Readonly<Record<string, ParamValue | null | undefined>>;

/** What the schema says of a request. */
export type Verdict =
  | {
      readonly kind: 'valid';
      readonly template: string;
      readonly doc: MethodDoc;
      /** Those of the path and the given ones, lists joined. */
      readonly params: Readonly<Record<string, ParamValue>>;
    }
  | {
      readonly kind: 'invalid';
      readonly template: string;
      readonly doc: MethodDoc;
      readonly errors: FieldErrors;
    }
  | { readonly kind: 'unknown'; readonly method: string; readonly path: string };

/** An answer of the API: status, reason phrase and JSON body. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
  readonly body: { readonly data: null; readonly message: string; readonly errors?: FieldErrors };
}

/** The REST schema of one release of Proxmox VE: which routes there are, and what each takes. */
export class ApiSchema {
  readonly doc: ApiDoc;
  readonly #routes: RouteTable;

  constructor(doc: ApiDoc) {
    this.doc = doc;
    this.#routes = new RouteTable(doc);
  }

  /** Reads the schema from a file. */
  static fromFile(file: string): ApiSchema {
    return new ApiSchema(loadApiDoc(file));
  }

  /** The documentation of a method of a concrete path, or null. */
  find(method: string, path: string): { template: string; doc: MethodDoc } | null {
    const route = this.#routes.match(pathOf(path).path);
    const doc = route?.methods[method.toUpperCase()];
    return route && doc ? { template: route.template, doc } : null;
  }

  /** See `refusalOf`. */
  refusal(verdict: Verdict): Refusal | null {
    return refusalOf(verdict);
  }

  /** Checks a request. A query in the path counts among the parameters. */
  check(method: string, path: string, given: Params = {}): Verdict {
    const verb = method.toUpperCase();
    const { path: plain, query } = pathOf(path);
    const route = this.#routes.match(plain);
    const doc = route?.methods[verb];
    if (!route || !doc) return { kind: 'unknown', method: verb, path: plain };
    // No prototype: a key may be called `__proto__`.
    const params: Record<string, ParamValue> = Object.assign(Object.create(null), query);
    for (const [key, value] of Object.entries(given))
      if (value !== null && value !== undefined) params[key] = value;
    const errors: FieldErrors = {};
    for (const [key, value] of Object.entries(route.pathParams)) {
      if (Object.hasOwn(params, key) && String(params[key]) !== value)
        errors[key] = 'duplicate parameter (already defined in URI) with conflicting values!';
      params[key] = value;
    }
    const { properties = {}, additionalProperties } = doc.parameters ?? {};
    for (const [key, value] of Object.entries(params)) {
      const schema = Object.hasOwn(properties, key) ? properties[key] : undefined;
      // Lists may come as repeated keys, and arrays of one as a single value.
      if (Array.isArray(value) && typeof schema?.format === 'string' && schema.format.endsWith('-list'))
        params[key] = value.join(',');
      else if (schema?.type === 'array' && !Array.isArray(value)) params[key] = [value];
    }
    if (Object.keys(errors).length === 0) checkObject('', properties, params, additionalProperties, errors);
    return Object.keys(errors).length === 0
      ? { kind: 'valid', template: route.template, doc, params }
      : { kind: 'invalid', template: route.template, doc, errors };
  }
}

/** How Proxmox VE answers a request that its schema refuses; null when it does not refuse it. */
export function refusalOf(verdict: Verdict): Refusal | null {
  if (verdict.kind === 'valid') return null;
  if (verdict.kind === 'unknown') {
    const reason = `Method '${verdict.method} ${verdict.path}' not implemented`;
    return { status: 501, reason, body: { data: null, message: reason } };
  }
  const reason = 'Parameter verification failed.';
  return { status: 400, reason, body: { data: null, message: `${reason}\n`, errors: verdict.errors } };
}

function pathOf(path: string): { path: string; query: Record<string, ParamValue> } {
  const mark = path.indexOf('?');
  if (mark < 0) return { path, query: {} };
  const query: Record<string, ParamValue> = Object.create(null);
  for (const [key, value] of new URLSearchParams(path.slice(mark + 1))) {
    const before = query[key];
    query[key] =
      before === undefined ? value : [...(Array.isArray(before) ? before : [before as string]), value];
  }
  return { path: path.slice(0, mark), query };
}
