import type { ApiSchema, Params } from '../schema/api-schema.ts';
import type { MethodDoc } from '../schema/apidoc.ts';
import { type Auth, authFor, type Credentials } from './auth.ts';
import { backoff, type Clock, systemClock } from './clock.ts';
import { encodeForm } from './encode.ts';
import { addressOf, type Endpoint, EndpointPool } from './endpoints.ts';
import { type ErrorFacts, forbiddenIn, ProxmoxError } from './errors.ts';
import { type Lock, lockIn } from './locks.ts';
import { isSecretField, Mask } from './mask.ts';
import { ConnectFailure, type Incoming, type Outgoing, Transport, WrongFingerprint } from './transport.ts';

/** What the engine is told once. */
export interface EngineOptions {
  readonly endpoints: readonly Endpoint[];
  readonly credentials: Credentials;
  /** The cluster's CA (`pve-root-ca.pem`), for endpoints without fingerprints. */
  readonly ca?: string;
  /** With it, every request is checked before it is sent: in tests. It is not part of what ships. */
  readonly schema?: ApiSchema;
  /** How often a read is tried (3). Writes are sent once. */
  readonly attempts?: number;
  readonly connectTimeoutMs?: number;
  /** For one exchange (60 s: Proxmox itself waits up to 22 s for a dead node, 10 s for a lock). */
  readonly timeoutMs?: number;
  /** How long a held lock is waited for, from when it is first met (60 s; 0 does not wait). */
  readonly lockWaitMs?: number;
  /** Told each time before a lock is waited for. */
  readonly onWait?: (wait: LockWait) => void;
  /** How long an endpoint that did not answer is passed over (30 s). */
  readonly downForMs?: number;
  readonly clock?: Clock;
  /** Told of every exchange, for logs; without secrets. */
  readonly onExchange?: (exchange: ExchangeReport) => void;
}

/** One exchange, as a log may show it. */
export interface ExchangeReport {
  readonly method: string;
  readonly path: string;
  readonly endpoint: string;
  /** Null: there was no answer. */
  readonly status: number | null;
  readonly ms: number;
}

/** A lock that is waited for. */
export interface LockWait {
  readonly method: string;
  readonly path: string;
  readonly lock: Lock;
  /** Since it was first met. */
  readonly waitedMs: number;
  /** When it is given up. */
  readonly boundMs: number;
}

/** What one request may change. */
export interface RequestOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  readonly lockWaitMs?: number;
  /** In place of the client's own. */
  readonly onWait?: (wait: LockWait) => void;
}

/** The whole of an answer's JSON. */
export interface Envelope {
  readonly data: unknown;
  readonly total?: number;
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly params: Params;
  readonly doc?: MethodDoc;
  readonly options: RequestOptions;
  /** A body of its own (an upload) in place of the form. */
  readonly body?: { readonly headers: Record<string, string>; readonly stream: AsyncIterable<Uint8Array> };
}

/** Statuses of the proxy between the nodes: the one that is meant cannot be reached. 595 is "no route to host". */
const isUnreachable = (status: number) => status >= 595 && status <= 599;

/** Sends requests to the cluster: checked, authorised, failed over, retried where that is safe. */
export class ProxmoxEngine {
  readonly clock: Clock;
  readonly mask = new Mask();
  readonly #options: EngineOptions;
  readonly #pool: EndpointPool;
  readonly #transport: Transport;
  readonly #auth: Auth;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.clock = options.clock ?? systemClock;
    this.#pool = new EndpointPool(options.endpoints, this.clock, options.downForMs ?? 30_000);
    this.#transport = new Transport(options.endpoints, {
      ...(options.ca === undefined ? {} : { ca: options.ca }),
      connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    });
    this.#auth = authFor(options.credentials, this.mask, () => this.clock.now());
  }

  /** Sends a request; the path is escaped already. */
  async request(
    method: string,
    path: string,
    params: Params = {},
    options: RequestOptions = {},
  ): Promise<Envelope> {
    const call = { ...this.#checked(method.toUpperCase(), path, params), options };
    return this.waitForLock(() => this.#attempt(call), options);
  }

  /** Sends an upload: once, with the fields checked like any other's. */
  async upload(
    path: string,
    fields: Params,
    body: NonNullable<Call['body']>,
    options: RequestOptions,
  ): Promise<Envelope> {
    return this.#attempt({ ...this.#checked('POST', path, fields), options, body });
  }

  /**
   * Runs something again while another one holds a lock, within the bound. An error of the kind `locked` says that
   * nothing was done, so this is safe. What was waited before the lock was met (a task that ran long) does not count.
   * One bound holds for all tries, and what is run must not wait by itself for a lock: with what a try takes until it is
   * refused (a task waits up to a minute for the lock of a storage), the next one must still fit in.
   */
  async waitForLock<T>(run: () => Promise<T>, options: RequestOptions = {}): Promise<T> {
    const boundMs = options.lockWaitMs ?? this.#options.lockWaitMs ?? 60_000;
    const tell = options.onWait ?? this.#options.onWait;
    let met: number | undefined;
    /** How long the last try took; the first one may have worked for long before it met the lock. */
    let tryMs = 0;
    for (let attempt = 1; ; attempt++) {
      const start = this.clock.now();
      try {
        return await run();
      } catch (error) {
        if (!(error instanceof ProxmoxError) || error.kind !== 'locked' || !error.lock) throw error;
        if (met !== undefined) tryMs = this.clock.now() - start;
        met ??= this.clock.now();
        const waitedMs = this.clock.now() - met;
        const pause = backoff(attempt, this.clock, 1_000, 5_000);
        if (waitedMs + pause + tryMs > boundMs) throw waitedMs === 0 ? error : givenUp(error, waitedMs);
        tell?.({ method: error.method, path: error.path, lock: error.lock, waitedMs, boundMs });
        await this.clock.sleep(pause, options.signal);
      }
    }
  }

  /** Closes all connections. */
  close(): Promise<void> {
    return this.#transport.close();
  }

  /** An error whose texts hold no secret. */
  error(facts: ErrorFacts, params: Params = {}): ProxmoxError {
    const own = Object.entries(params).flatMap(([key, value]) =>
      isSecretField(key) && typeof value === 'string' ? [value] : [],
    );
    const hide = (text: string) => this.mask.hide(text, own);
    const cause = facts.cause instanceof Error ? new Error(hide(facts.cause.message)) : undefined;
    return new ProxmoxError({
      ...facts,
      path: hide(facts.path),
      cause,
      ...(facts.reason === undefined ? {} : { reason: hide(facts.reason) }),
      fields: Object.fromEntries(
        Object.entries(facts.fields ?? {}).map(([field, text]) => [field, hide(text)]),
      ),
      ...(facts.task === undefined
        ? {}
        : {
            task: {
              ...facts.task,
              exitStatus: hide(facts.task.exitStatus),
              log: facts.task.log.map((line) => hide(line)),
            },
          }),
    });
  }

  #checked(method: string, path: string, params: Params): Omit<Call, 'options'> {
    const verdict = this.#options.schema?.check(method, path, params);
    if (!verdict) return { method, path, params };
    if (verdict.kind === 'valid') return { method, path, params, doc: verdict.doc };
    const refusal = this.#options.schema!.refusal(verdict)!;
    throw this.error(
      {
        kind: 'invalid',
        method,
        path,
        reason: refusal.reason,
        ...(refusal.body.errors ? { fields: refusal.body.errors } : {}),
        hint: 'The request does not fit the schema of this Proxmox VE release; it was not sent.',
      },
      params,
    );
  }

  async #attempt(call: Call): Promise<Envelope> {
    const isRead = call.method === 'GET';
    const attempts = isRead ? (this.#options.attempts ?? 3) : 1;
    let renewed = false;
    let avoid: string | undefined;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(call, avoid);
      } catch (error) {
        if (!(error instanceof ProxmoxError)) throw error;
        // A refused ticket means that nothing was done; with a new one it may be tried once more.
        if (
          error.kind === 'unauthorised' &&
          error.path === call.path &&
          !renewed &&
          !call.body &&
          this.#auth.refused()
        ) {
          renewed = true;
          attempt--;
          continue;
        }
        const again = ['network', 'timeout', 'unreachable'].includes(error.kind);
        // A dead node takes up to 22 s to be reported: another endpoint is asked once, in case ours is cut off.
        const most = error.kind === 'unreachable' ? Math.min(attempts, 2) : attempts;
        if (!again || attempt >= most) throw error;
        avoid = error.endpoint;
        await this.clock.sleep(backoff(attempt, this.clock), call.options.signal);
      }
    }
  }

  async #once(call: Call, avoid?: string): Promise<Envelope> {
    const headers = await this.#auth.headers(call.method, async (params) => {
      const login = { method: 'POST', path: '/access/ticket', params, options: {} };
      return (await this.#exchange(login, {})).data;
    });
    return this.#exchange(call, headers, avoid);
  }

  /** One exchange with the first endpoint that takes a connection: until then nothing was sent, so all may be tried. */
  async #exchange(call: Call, auth: Record<string, string>, avoid?: string): Promise<Envelope> {
    const node = /^\/nodes\/([^/?]+)/.exec(call.path)?.[1];
    let last: { endpoint: Endpoint; error: Error } | undefined;
    for (const endpoint of this.#pool.candidates(node, avoid)) {
      const start = this.clock.now();
      const report = (status: number | null) =>
        this.#options.onExchange?.({
          method: call.method,
          path: this.mask.hide(call.path),
          endpoint: addressOf(endpoint),
          status,
          ms: Math.round(this.clock.now() - start),
        });
      let answer: Incoming;
      try {
        answer = await this.#transport.send(endpoint, this.#outgoing(call, auth));
      } catch (error) {
        report(null);
        // Our own abort says nothing about the endpoint.
        if (!call.options.signal?.aborted) this.#pool.failed(endpoint);
        if (!(error instanceof ConnectFailure)) throw this.#lost(call, endpoint, error as Error);
        if (error instanceof WrongFingerprint) throw this.#distrusted(call, endpoint, error);
        last = { endpoint, error };
        continue;
      }
      report(answer.status);
      this.#pool.answered(endpoint);
      return this.#read(call, endpoint, answer);
    }
    throw this.error({
      kind: 'network',
      method: call.method,
      path: call.path,
      reason: `no node of the cluster answers: ${last?.error.message ?? 'none tried'}`,
      ...(last ? { endpoint: addressOf(last.endpoint) } : {}),
      cause: last?.error,
      hint: 'Is the network there, and is pveproxy running on one node at least?',
    });
  }

  #outgoing(call: Call, auth: Record<string, string>): Outgoing {
    const { timeoutMs = this.#options.timeoutMs ?? 60_000, signal } = call.options;
    const common = { method: call.method, timeoutMs, ...(signal ? { signal } : {}) };
    const headers = { accept: 'application/json', 'user-agent': 'psactl', ...auth };
    const path = `/api2/json${call.path}`;
    if (call.body)
      return { ...common, path, headers: { ...headers, ...call.body.headers }, body: call.body.stream };
    const form = encodeForm(call.params, call.doc);
    if (call.method === 'GET' || call.method === 'DELETE') {
      const joint = path.includes('?') ? '&' : '?';
      return { ...common, path: form === '' ? path : path + joint + form, headers };
    }
    return {
      ...common,
      path,
      headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
      body: form,
    };
  }

  #read(call: Call, endpoint: Endpoint, answer: Incoming): Envelope {
    const body = parseBody(answer.text);
    if (answer.status === 200) {
      if (body) return { data: body.data, ...(typeof body.total === 'number' ? { total: body.total } : {}) };
      throw this.error({
        kind: 'network',
        method: call.method,
        path: call.path,
        status: 200,
        reason: 'the answer is not the JSON that Proxmox VE gives',
        endpoint: addressOf(endpoint),
        outcomeUnknown: call.method !== 'GET',
        hint: 'Is this the address of a Proxmox VE node?',
      });
    }
    const reason = answer.reason || body?.message?.trim() || `status ${answer.status}`;
    const lock = lockIn([reason, ...Object.values(body?.errors ?? {})].join('\n'));
    const kind = isUnreachable(answer.status)
      ? 'unreachable'
      : answer.status === 401
        ? 'unauthorised'
        : answer.status === 403 || forbiddenIn(reason)
          ? 'forbidden'
          : lock?.passes
            ? 'locked'
            : 'refused';
    throw this.error(
      {
        kind,
        method: call.method,
        path: call.path,
        status: answer.status,
        reason,
        endpoint: addressOf(endpoint),
        ...(body?.errors ? { fields: body.errors } : {}),
        // 595: no connection to the node. The others: it broke, and nobody knows how far it came.
        outcomeUnknown: call.method !== 'GET' && answer.status > 595 && answer.status <= 599,
        ...(lock ? { lock, hint: lock.hint } : hintFor(reason)),
      },
      call.params,
    );
  }

  #lost(call: Call, endpoint: Endpoint, cause: Error): ProxmoxError {
    const isTimeout = cause.name === 'TimeoutError';
    const isAborted = call.options.signal?.aborted === true;
    return this.error(
      {
        kind: isAborted ? 'aborted' : isTimeout ? 'timeout' : 'network',
        method: call.method,
        path: call.path,
        reason: isAborted
          ? 'it was aborted'
          : isTimeout
            ? 'no answer in time'
            : `the connection broke: ${cause.message}`,
        endpoint: addressOf(endpoint),
        outcomeUnknown: call.method !== 'GET',
        cause,
      },
      call.params,
    );
  }

  #distrusted(call: Call, endpoint: Endpoint, cause: WrongFingerprint): ProxmoxError {
    const where = endpoint.field ?? 'its fingerprint';
    const at = addressOf(endpoint);
    return this.error({
      kind: 'fingerprint',
      method: call.method,
      path: call.path,
      reason: cause.isOther
        ? `${at} does not show the certificate that ${where} names: ${cause.message}`
        : `${at} shows a certificate that no CA vouches for, and ${where} is not set: ${cause.message}`,
      endpoint: at,
      cause,
      hint: cause.isOther
        ? `Was its certificate renewed? Only if "pvenode cert info" on the node itself says the same fingerprint, write it into ${where}.`
        : `Compare it with "pvenode cert info" on the node itself, then write it into ${where}; "psactl doctor" does that.`,
    });
  }
}

interface Body {
  readonly data: unknown;
  readonly total?: unknown;
  readonly message?: string;
  readonly errors?: Record<string, string>;
}

/** The JSON of an answer; a failed login, a dead node have none. */
function parseBody(text: string): Body | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Body) : null;
  } catch {
    return null;
  }
}

function hintFor(reason: string): { hint?: string } {
  const forbidden = forbiddenIn(reason);
  if (forbidden?.path)
    return {
      hint: `The token has no ${forbidden.privileges.join(' or ')} on ${forbidden.path}; the Ansible playbook "token" gives what psactl needs.`,
    };
  return {};
}

/** The same error, with how long it was waited for. */
function givenUp(error: ProxmoxError, waitedMs: number): ProxmoxError {
  const hint = `It was waited for ${Math.round(waitedMs / 1000)} s. ${error.hint ?? ''}`.trim();
  return new ProxmoxError({ ...error, cause: error.cause, hint });
}
