import { setTimeout as sleep } from 'node:timers/promises';
import { type Params, refusalOf, type Verdict } from '@psa/proxmox/schema/api-schema';
import type { ParamValue } from '@psa/proxmox/schema/check';
import { type RouteMatch, RouteTable } from '@psa/proxmox/schema/routes';
import { ApiError, badParameter, denied, refusedByServer, unreachable } from '../errors.ts';
import type { Lab } from '../lab.ts';
import type { Authenticator, Proof } from './auth.ts';
import { RouteParams } from './params.ts';
import { requirePermission } from './permissions.ts';
import type { Caller, RequestContext, Route } from './route.ts';
import { undoneRoutes } from './undone.ts';

/** A request, once its transport has been taken off. */
export interface ApiRequest {
  /** The node that was asked. */
  readonly entry: string;
  readonly method: string;
  /** Behind `/api2/json`, without the query. */
  readonly path: string;
  readonly params: Params;
  readonly proof: Proof;
  /** Something came with the request besides its query. */
  readonly hasBody?: boolean;
  readonly address: string;
}

/** What an answer of a route carries. */
export interface AnswerBody {
  readonly data: unknown;
  readonly message?: string;
  readonly errors?: Readonly<Record<string, string>>;
  readonly total?: number;
  readonly changes?: string;
}

/** Its answer; `body` null: an empty one; a text: refused by the server itself. */
export interface ApiAnswer {
  readonly status: number;
  readonly reason: string;
  readonly body: AnswerBody | string | null;
}

/** How long Proxmox VE tries to reach a node that is not there. */
const NO_ROUTE_MS = 3_000;

/** Answers requests in the order in which Proxmox VE does: login, route, rights, node, schema, handler. */
export class Dispatcher {
  readonly #lab: Lab;
  readonly #auth: Authenticator;
  readonly #table: RouteTable;
  readonly #routes: ReadonlyMap<string, Route>;

  constructor(lab: Lab, auth: Authenticator, done: readonly Route[]) {
    const routes = [...done, ...(lab.conformance ? undoneRoutes(lab.conformance.doc, done) : [])];
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
    const caller: Caller = isWorld(request.method, request.path)
      ? { id: '', userid: '', token: null }
      : this.#auth.caller(request.method, request.proof);
    if (request.hasBody && !['POST', 'PUT'].includes(request.method))
      throw refusedByServer(501, `Unexpected content for method '${request.method}'`);
    if (!match || !route)
      return answerOf(new ApiError(501, `Method '${request.method} ${request.path}' not implemented`));
    const given = withPath(request.params, match);
    if (route.noToken && request.proof.authorization?.startsWith('PVEAPIToken='))
      throw needsTicket(request.path);
    const context = new Context(this.#lab, request, caller);
    if (caller.id !== '') requirePermission(context, route.permission, new RouteParams(given));
    const node = this.#nodeOf(route, match, request.entry);
    context.node = node;
    if (node !== request.entry) await this.#reach(request.entry, node);
    const params = accepted(verdict, given);
    const data = await route.handler(context, new RouteParams(params));
    return {
      status: 200,
      reason: 'OK',
      body: {
        data: data ?? null,
        ...(context.total ? { total: context.total } : {}),
        ...(context.changes === null ? {} : { changes: context.changes }),
      },
    };
  }

  /** The node that does it: a name that no node has is found out before the parameters are looked at. */
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
  node: string;
  readonly entry: string;
  readonly caller: Caller;
  readonly address: string;
  total: number | null = null;
  changes: string | null = null;

  constructor(lab: Lab, request: ApiRequest, caller: Caller) {
    this.lab = lab;
    this.node = request.entry;
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

/** What may be asked without a login, and then always is (PVE::HTTPServer, auth_handler). */
const isWorld = (method: string, path: string): boolean =>
  (path === '/access/domains' && method === 'GET') ||
  (path === '/access/ticket' && (method === 'GET' || method === 'POST'));

const needsTicket = (path: string): ApiError =>
  denied(`URI '${path}' not available with API token, need proper ticket.\n`);

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
  if (error.body === 'none') return { status: error.status, reason, body: null };
  if (error.body === 'text') return { status: error.status, reason, body: error.message };
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
