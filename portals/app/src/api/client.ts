import { CSRF_COOKIE, CSRF_HEADER } from '@psa/contracts/tokens';
import { noteReachable } from '@psa/ui/online-store';
import { ApiError, errorFromResponse } from './error.ts';

/** Paging facts of a list answer. */
export interface ListMeta {
  page?: number;
  limit: number;
  total?: number;
  total_relation?: 'eq' | 'gte';
  total_pages?: number;
  next_cursor?: string | null;
}

/** An answer: the unwrapped `data`, and what travelled beside it. */
export interface ApiResult<T> {
  data: T;
  meta: ListMeta | undefined;
  /** To be sent back as `ifMatch` on an update. */
  etag: string | null;
  status: number;
}

export type QueryValue = string | number | boolean | null | undefined | readonly (string | number)[];

export interface RequestOptions {
  /** null, undefined and '' are left out; arrays are joined by commas. */
  query?: Record<string, QueryValue>;
  /** Sent as JSON, or as it is when a FormData or Blob. */
  body?: unknown;
  ifMatch?: string | null;
  /** Made up for every POST unless given; keep your own to repeat a POST whose outcome is unknown. */
  idempotencyKey?: string;
  signal?: AbortSignal;
  /** Milliseconds until ApiError TIMEOUT; default 30,000. */
  timeout?: number;
  /** False: a 401 is reported at once (login). */
  renewSession?: boolean;
}

export interface ApiClientOptions {
  /** Prefix of every path; default `/api/v1`. Tests give an absolute one. */
  baseUrl?: string;
  fetch?: typeof fetch;
  /** The cookie string; default `document.cookie`. */
  cookies?: () => string;
  /** Called once per lost session, after the silent renewal failed. */
  onSignedOut?: () => void;
  /** Runs a task alone among all tabs; default the Web Locks API where there is one. */
  exclusively?: <T>(task: () => Promise<T>) => Promise<T>;
  /** When any tab last renewed the session (ms since epoch), kept across tabs. */
  renewedAt?: { get(): number; set(at: number): void };
}

export interface ApiClient {
  request<T>(method: string, path: string, options?: RequestOptions): Promise<ApiResult<T>>;
  get<T>(path: string, options?: RequestOptions): Promise<ApiResult<T>>;
  post<T>(path: string, body?: unknown, options?: RequestOptions): Promise<ApiResult<T>>;
  put<T>(path: string, body?: unknown, options?: RequestOptions): Promise<ApiResult<T>>;
  patch<T>(path: string, body?: unknown, options?: RequestOptions): Promise<ApiResult<T>>;
  delete<T = undefined>(path: string, options?: RequestOptions): Promise<ApiResult<T>>;
  /** Address of a path with its query, for links and downloads. */
  url(path: string, query?: Record<string, QueryValue>): string;
  /** Renews the session now; true when there is one afterwards. */
  renewSession(): Promise<boolean>;
  /** False when this browser certainly holds no session (the CSRF cookie lives as long as one). */
  mayBeSignedIn(): boolean;
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
const DEFAULT_TIMEOUT = 30_000;

/** Value of a cookie, decoded; null when absent. */
export function readCookie(cookies: string, name: string): string | null {
  for (const part of cookies.split(';')) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === name) return decodeURIComponent(part.slice(at + 1).trim());
  }
  return null;
}

/** A random key. `crypto.randomUUID` exists on secure origins only; a lab is often plain http. */
export function newIdempotencyKey(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join(
    '',
  );
}

export function buildQuery(query: Record<string, QueryValue> | undefined): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === null || value === undefined || value === '') continue;
    if (Array.isArray(value)) {
      if (value.length > 0) params.set(name, value.join(','));
    } else params.set(name, String(value));
  }
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}

/**
 * The one way a portal talks to the platform. Tokens live in HttpOnly cookies; unsafe methods carry the CSRF
 * token; a 401 renews the session once, silently and only once for all requests in flight, then repeats.
 * @throws ApiError for every failure but an abort by the caller, which stays an AbortError.
 */
export function createApiClient(options: ApiClientOptions = {}): ApiClient {
  const baseUrl = options.baseUrl ?? '/api/v1';
  const send = options.fetch ?? ((...args: Parameters<typeof fetch>) => globalThis.fetch(...args));
  const cookies = options.cookies ?? (() => document.cookie);
  const exclusively = options.exclusively ?? ((task) => task());
  let ownRenewedAt = 0;
  const renewedAt = options.renewedAt ?? {
    get: () => ownRenewedAt,
    set: (at: number) => {
      ownRenewedAt = at;
    },
  };
  let renewal: Promise<boolean> | null = null;

  const url = (path: string, query?: Record<string, QueryValue>) => baseUrl + path + buildQuery(query);

  async function once(
    method: string,
    path: string,
    init: RequestOptions,
    key: string | undefined,
  ): Promise<Response> {
    const headers = new Headers({ accept: 'application/json' });
    if (!SAFE_METHODS.has(method)) {
      const csrf = readCookie(cookies(), CSRF_COOKIE);
      if (csrf) headers.set(CSRF_HEADER, csrf);
    }
    if (key) headers.set('idempotency-key', key);
    if (init.ifMatch) headers.set('if-match', init.ifMatch);
    let body: BodyInit | undefined;
    if (init.body instanceof FormData || init.body instanceof Blob) body = init.body;
    else if (init.body !== undefined) {
      body = JSON.stringify(init.body);
      headers.set('content-type', 'application/json');
    }
    const limit = AbortSignal.timeout(init.timeout ?? DEFAULT_TIMEOUT);
    const signal = init.signal ? AbortSignal.any([init.signal, limit]) : limit;
    const request: RequestInit = { method, headers, signal, credentials: 'same-origin', redirect: 'error' };
    if (body !== undefined) request.body = body;
    try {
      const response = await send(url(path, init.query), request);
      noteReachable();
      return response;
    } catch (cause) {
      if (init.signal?.aborted) throw cause;
      const code = limit.aborted ? 'TIMEOUT' : 'NETWORK_ERROR';
      throw new ApiError({
        status: 0,
        code,
        message: `Unable to reach the server: ${method} ${path}`,
        cause,
      });
    }
  }

  /**
   * Refresh tokens rotate and a second use of one revokes the whole session, so a renewal must be alone:
   * one promise within the tab, one lock among the tabs, and none at all when another tab has just done it.
   */
  function renew(since: number): Promise<boolean> {
    renewal ??= exclusively(async () => {
      if (renewedAt.get() > since) return true;
      const response = await once('POST', '/auth/refresh', { body: {} }, undefined);
      if (response.ok) renewedAt.set(Date.now());
      else if (response.status >= 500 || response.status === 429) throw await errorFromResponse(response);
      await response.body?.cancel();
      return response.ok;
    }).finally(() => {
      renewal = null;
    });
    return renewal;
  }

  const mayBeSignedIn = () => readCookie(cookies(), CSRF_COOKIE) !== null;

  async function request<T>(method: string, path: string, init: RequestOptions = {}): Promise<ApiResult<T>> {
    const key = method === 'POST' ? (init.idempotencyKey ?? newIdempotencyKey()) : init.idempotencyKey;
    const startedAt = Date.now();
    let response = await once(method, path, init, key);
    if (response.status === 401 && init.renewSession !== false) {
      const renewed = mayBeSignedIn() && (await renew(startedAt));
      if (renewed) {
        await response.body?.cancel();
        response = await once(method, path, init, key);
      }
      if (response.status === 401) options.onSignedOut?.();
    }
    if (!response.ok) throw await errorFromResponse(response);
    const etag = response.headers.get('etag');
    let body: { data: T; meta?: ListMeta };
    try {
      const text = await response.text();
      // 204, and 202 for what is done later: there is nothing to say yet.
      if (text === '') return { data: undefined as T, meta: undefined, etag, status: response.status };
      body = JSON.parse(text) as { data: T; meta?: ListMeta };
    } catch (cause) {
      if (init.signal?.aborted) throw cause;
      throw new ApiError({
        status: response.status,
        code: 'INVALID_RESPONSE',
        message: `Unable to read the answer of ${method} ${path}`,
        requestId: response.headers.get('x-request-id'),
        cause,
      });
    }
    // Answers about many things at once (a bulk change) stand without the envelope.
    const data = 'data' in body ? body.data : (body as T);
    return { data, meta: body.meta, etag, status: response.status };
  }

  return {
    request,
    get: (path, init) => request('GET', path, init),
    post: (path, body, init) => request('POST', path, { ...init, body }),
    put: (path, body, init) => request('PUT', path, { ...init, body }),
    patch: (path, body, init) => request('PATCH', path, { ...init, body }),
    delete: (path, init) => request('DELETE', path, init),
    url,
    renewSession: () => renew(Date.now()),
    mayBeSignedIn,
  };
}
