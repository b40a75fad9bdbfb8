import { setTimeout as sleep } from 'node:timers/promises';
import { type Params, refusalOf, type Verdict } from '@psa/proxmox/schema/api-schema';
import type { ParamValue } from '@psa/proxmox/schema/check';
import { type RouteMatch, RouteTable } from '@psa/proxmox/schema/routes';
import type { Authenticator, Proof } from './auth.ts';
import { ApiError, badParameter, denied, unreachable } from './errors.ts';
import type { Lab } from './lab.ts';
import { RouteParams } from './params.ts';
import type { Caller, RequestContext, Route } from './route.ts';

/** A request, once its transport has been taken off. */
export interface ApiRequest {
  /** The node that was asked. */
  readonly entry: string;
  readonly method: string;
  /** Behind `/api2/json`, without the query. */
  readonly path: string;
  readonly params: Params;
  readonly proof: Proof;
  readonly address: string;
}

/** Its answer; `body` null: an empty one. */
export interface ApiAnswer {
  readonly status: number;
  readonly reason: string;
  readonly body: { data: unknown; message?: string; errors?: Record<string, string>; total?: number } | null;
}

/** How long Proxmox VE tries to reach a node that is not there. */
const NO_ROUTE_MS = 3_000;

/** Answers requests in the order in which Proxmox VE does: login, route, rights, node, schema, handler. */
export class Dispatcher {
  readonly #lab: Lab;
  readonly #auth: Authenticator;
  readonly #table: RouteTable;
  readonly #routes: ReadonlyMap<string, Route>;

  constructor(lab: Lab, auth: Authenticator, routes: readonly Route[]) {
    this.#lab = lab;
    this.#auth = auth;
    this.#routes = new Map(routes.map((route) => [`${route.method} ${route.path}`, route]));
    this.#table = new RouteTable(templatesOf(routes));
  }

  async handle(request: ApiRequest): Promise<ApiAnswer> {
    try {
      // Counted whatever becomes of it; what it says matters once login, route, rights and node have had their say.
      const verdict = this.#lab.conformance?.check(request.method, request.path, request.params) ?? null;
      return await this.#answer(request, verdict);
    } catch (error) {
      if (error instanceof ApiError) return answerOf(error);
      return answerOf(new ApiError(500, (error as Error).message));
    }
  }

  async #answer(request: ApiRequest, verdict: Verdict | null): Promise<ApiAnswer> {
    const match = this.#table.match(request.path);
    const route = match ? this.#routes.get(`${request.method} ${match.template}`) : undefined;
    const caller: Caller =
      route?.permission === 'public'
        ? { id: '', userid: '', token: null }
        : this.#auth.caller(request.method, request.proof);
    if (!match || !route)
      return answerOf(new ApiError(501, `Method '${request.method} ${request.path}' not implemented`));
    const given = withPath(request.params, match);
    const node = this.#nodeOf(route, match, request.entry);
    const context = new Context(this.#lab, request, node, caller);
    if (route.permission !== 'public') route.permission(context, new RouteParams(given));
    if (node !== request.entry) await this.#reach(request.entry, node);
    const params = accepted(verdict, given);
    const data = await route.handler(context, new RouteParams(params));
    return {
      status: 200,
      reason: 'OK',
      body: { data: data ?? null, ...(context.total === null ? {} : { total: context.total }) },
    };
  }

  #nodeOf(route: Route, match: RouteMatch, entry: string): string {
    const named = match.pathParams.node;
    if (named === undefined || route.isLocal || named === 'localhost') return entry;
    return this.#lab.membership.node(named).name;
  }

  async #reach(from: string, to: string): Promise<void> {
    if (this.#lab.membership.sees(from, to)) return;
    await sleep(NO_ROUTE_MS * this.#lab.timeFactor);
    throw unreachable();
  }
}

/** The parameters that the handler gets. @throws ApiError when the schema refuses the request */
function accepted(
  verdict: Verdict | null,
  given: Record<string, ParamValue>,
): Readonly<Record<string, ParamValue>> {
  // A route that the schema does not have is the lab's own affair.
  if (!verdict || verdict.kind === 'unknown') return given;
  const refusal = refusalOf(verdict);
  if (refusal) throw new ApiError(refusal.status, refusal.reason, { errors: refusal.body.errors ?? {} });
  return verdict.kind === 'valid' ? verdict.params : given;
}

class Context implements RequestContext {
  readonly lab: Lab;
  readonly node: string;
  readonly entry: string;
  readonly caller: Caller;
  readonly address: string;
  total: number | null = null;

  constructor(lab: Lab, request: ApiRequest, node: string, caller: Caller) {
    this.lab = lab;
    this.node = node;
    this.entry = request.entry;
    this.caller = caller;
    this.address = request.address;
  }

  may(path: string, rights: readonly string[], any = false): boolean {
    const held = this.lab.access.rights(this.caller.id, path);
    return any ? rights.some((right) => held.has(right)) : rights.every((right) => held.has(right));
  }

  check(path: string, rights: readonly string[], any = false): void {
    if (this.may(path, rights, any)) return;
    const held = this.lab.access.rights(this.caller.id, path);
    const missing = any ? rights.join('|') : (rights.find((right) => !held.has(right)) ?? '');
    throw denied(`${path}, ${missing}`);
  }
}

function templatesOf(routes: readonly Route[]): ConstructorParameters<typeof RouteTable>[0] {
  const doc: Record<string, Record<string, { method: string; name: string }>> = {};
  for (const { path, method } of routes) {
    doc[path] ??= {};
    doc[path][method] = { method, name: method.toLowerCase() };
  }
  return doc;
}

function withPath(params: Params, match: RouteMatch): Record<string, ParamValue> {
  const all: Record<string, ParamValue> = Object.create(null);
  for (const [key, value] of Object.entries(params))
    if (value !== null && value !== undefined) all[key] = value;
  for (const [key, value] of Object.entries(match.pathParams)) {
    if (Object.hasOwn(all, key) && String(all[key]) !== value)
      throw badParameter({ [key]: 'duplicate parameter (already defined in URI) with conflicting values!' });
    all[key] = value;
  }
  return all;
}

/** An error as the API answers it: the text in the reason phrase and in `message`. */
export function answerOf(error: ApiError): ApiAnswer {
  const reason = reasonOf(error.message);
  if (error.isBare) return { status: error.status, reason, body: null };
  const message = error.status === 501 ? reason : `${error.message.trim()}\n`;
  return {
    status: error.status,
    reason,
    body: { data: null, message, ...(error.errors === null ? {} : { errors: error.errors }) },
  };
}

/** A reason phrase has one line, the first, and plain letters. */
const reasonOf = (text: string) =>
  text
    .trim()
    .replace(/\n[\s\S]*$/, '')
    .replaceAll(/[^\u0020-\u00ff]/g, '?');
