import { API_PREFIX, SERVICE_OF_PREFIX, type ServiceName } from '@psa/contracts/services';
import type { DemoTarget } from './demo-target.ts';

const serviceOf = (path: string): ServiceName => {
  const service = SERVICE_OF_PREFIX.get(/^\/([a-z-]+)/.exec(path)?.[1] ?? '');
  if (!service) throw new Error(`No service answers ${path}.`);
  return service;
};

/** Calls the services' own API in this process, in the name of whoever signed in. */
export interface Caller {
  /** Sends a request and returns its body. @throws when it is refused with a status that `allowed` does not name */
  send<T>(method: 'GET' | 'POST' | 'PATCH', path: string, body?: unknown, options?: SendOptions): Promise<T>;
}

interface SendOptions {
  /** Makes a repeated POST harmless after a start that was cut off. */
  readonly key?: string;
  readonly allowed?: readonly number[];
}

export async function signIn(platform: DemoTarget, email: string, password: string): Promise<Caller> {
  const { access_token } = await caller(platform, null)
    .send<{ access_token: string }>('POST', '/auth/login', {
      email,
      password,
    })
    .then((body) => unwrap<{ access_token: string }>(body));
  return caller(platform, access_token);
}

const unwrap = <T>(body: unknown): T => ((body as { data?: T }).data ?? body) as T;

function caller(platform: DemoTarget, token: string | null): Caller {
  return {
    async send<T>(
      method: 'GET' | 'POST' | 'PATCH',
      path: string,
      body?: unknown,
      { key, allowed = [] }: SendOptions = {},
    ): Promise<T> {
      const response = await platform.services[serviceOf(path)].app.inject({
        method,
        url: API_PREFIX + path,
        headers: {
          'x-request-id': 'demo-data',
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(key === undefined ? {} : { 'idempotency-key': `demo-${key}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
      });
      if (response.statusCode >= 400 && !allowed.includes(response.statusCode)) {
        throw new Error(
          `Demo data: ${method} ${path} was refused (${response.statusCode}): ${response.body}`,
        );
      }
      return response.body === '' ? (undefined as T) : (JSON.parse(response.body) as T);
    },
  };
}
