import { randomUUID } from 'node:crypto';
import { type Authority, authorityFrom, signIn, signOut } from './authority.ts';
import type { Session } from './credentials.ts';
import { type ApiSettings, exchange, type RequestOptions, read } from './transport.ts';

export interface Answer<T> {
  readonly status: number;
  readonly body: T;
}

/** The platform's REST API. */
export interface Api {
  readonly authority: Authority;
  request<T>(method: string, path: string, options: RequestOptions): Promise<Answer<T>>;
  get<T>(path: string, options: RequestOptions): Promise<T>;
  post<T>(path: string, options: RequestOptions): Promise<T>;
  /** Begins a session of its own, apart from {@link authority}. */
  signIn(email: string, password: string): Promise<Session>;
  /** Ends such a session; a platform that is away or has forgotten it is no error. */
  signOut(session: Session): Promise<void>;
  /** Ends a session that was made for this run alone. */
  close(): Promise<void>;
}

/** Makes the client. Nothing is sent before the first request. */
export function createApi(settings: ApiSettings): Api {
  const send = (method: string, path: string, options: RequestOptions, headers: Record<string, string>) =>
    exchange(settings, method, path, options, headers);
  const authority = authorityFrom(settings, send);

  async function request<T>(method: string, path: string, options: RequestOptions): Promise<Answer<T>> {
    const headers: Record<string, string> = {};
    if (options.idempotent) headers['idempotency-key'] = randomUUID();
    const signed = async () => (options.anonymous ? headers : { ...headers, ...(await authority.headers()) });
    let raw = await send(method, path, options, await signed());
    // 401 means that nothing was done, so any request may be sent again once the session is fresh.
    if (raw.status === 401 && !options.anonymous && (await authority.renew())) {
      raw = await send(method, path, options, await signed());
    }
    return { status: raw.status, body: read<T>(raw, path, options) };
  }

  return {
    authority,
    request,
    get: async (path, options) => (await request<never>('GET', path, options)).body,
    post: async (path, options) => (await request<never>('POST', path, options)).body,
    signIn: (email, password) => signIn(send, email, password),
    signOut: (session) => signOut(send, session),
    close: () => authority.close(),
  };
}
