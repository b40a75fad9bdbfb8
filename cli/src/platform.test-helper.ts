import { join } from 'node:path';
import { CHILD_ENV } from '@psa/test-kit/child-env';
import { DEMO_PASSWORD, startPlatformProcess } from '@psa/test-kit/platform';
import type postgres from 'postgres';

export const BIN = join(import.meta.dirname, '../bin');
export const PASSWORD = DEMO_PASSWORD;

/** The whole platform as `npm start` runs it. */
export interface RunningPlatform {
  readonly url: string;
  readonly port: number;
  /** Superuser of its database: sees the rows of every service. */
  readonly sql: postgres.Sql;
  /** What psactl needs to work on it as the administrator, with a home of its own. */
  readonly env: Record<string, string>;
  /** Calls the API as the administrator. @throws when the answer is an error */
  // biome-ignore lint/suspicious/noExplicitAny: answers have many shapes; the tests look at few of them
  api(method: string, path: string, body?: unknown): Promise<any>;
  stop(): Promise<void>;
}

/** Starts it with the demo data, or (unless told) empty but for one administrator. */
export async function startPlatform({ demo = false } = {}): Promise<RunningPlatform> {
  const { url, port, folder, setupToken, sql, stop } = await startPlatformProcess(demo ? 'demo' : 'empty');
  let access = '';
  const api: RunningPlatform['api'] = async (method, path, body) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(access ? { authorization: `Bearer ${access}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  };
  try {
    const email = demo ? 'admin@demo.example' : 'admin@test.example';
    if (!demo) {
      const admin = { tenant_name: 'Test', name: 'Admin', email, password: PASSWORD };
      await api('POST', '/api/v1/auth/setup', { token: setupToken, ...admin });
    }
    const answer = await api('POST', '/api/v1/auth/login', { email, password: PASSWORD });
    access = (answer.data ?? answer).access_token;
    const env = { PSA_URL: url, PSA_EMAIL: email, PSA_PASSWORD: PASSWORD };
    return { url, port, sql, env: { ...env, ...psactlEnv(folder) }, api, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** psactl on the path, a home of one's own, and what Node made of our code, which a new home would not have. */
export const psactlEnv = (home: string): Record<string, string> => ({
  HOME: home,
  PATH: `${BIN}:/usr/bin:/bin`,
  ...(CHILD_ENV.NODE_COMPILE_CACHE ? { NODE_COMPILE_CACHE: CHILD_ENV.NODE_COMPILE_CACHE } : {}),
});
