import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createTenant } from '@psa/auth/tenants/service';
import { freePort } from '@psa/test-kit/free-port';
import { type JsonSchema, type Operation, operationsOf } from '@psa/test-kit/openapi-arbitrary';
import { copyPlatformData, DEMO_PASSWORD, UNLIMITED } from '@psa/test-kit/platform';
import { tempDir } from '@psa/test-kit/temp-dir';
import postgres from 'postgres';
import { type RunningEmbedded, runEmbedded } from './run.ts';
import { readSettings } from './settings.ts';
import { loadState } from './state.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: answers have many shapes; the tests look at few of them.
  readonly body: any;
}

/** The whole platform with demo data in this process, listening on a port of its own. */
export interface TestPlatform {
  readonly url: string;
  readonly running: RunningEmbedded;
  /** Superuser of the platform's database. */
  readonly admin: postgres.Sql;
  /** A connection with a service's own role. */
  asService(service: string): postgres.Sql;
  /** Signs in; the token goes into `call`. */
  login(email: string, password?: string): Promise<string>;
  call(
    method: string,
    path: string,
    options?: { token?: string | null; body?: unknown; headers?: Record<string, string>; raw?: string },
  ): Promise<Answer>;
  operations(): Promise<Operation[]>;
  /** Another MSP on the same platform; returns the e-mail address of its admin. */
  addTenant(name: string): Promise<{ email: string; tenantId: string }>;
  stop(): Promise<void>;
}

export async function startTestPlatform(): Promise<TestPlatform> {
  const dir = await tempDir('platform');
  const dataDir = join(dir.path, 'data');
  await copyPlatformData('demo', dataDir);
  const port = await freePort();
  const settings = readSettings({
    PORT: String(port),
    PSA_DATA_DIR: dataDir,
    PSA_DEMO: '1',
    PSA_DEMO_PASSWORD: DEMO_PASSWORD,
    LOG_LEVEL: process.env.TEST_LOG ?? 'silent',
    ...UNLIMITED,
  });
  const running = await runEmbedded({ settings, version: '0.0.0-test', say: () => {} });
  const url = `http://127.0.0.1:${port}`;
  const { role_password: rolePassword } = await loadState(dataDir, { mode: 'demo' });
  const { postgres: server } = running.platform;
  const opened: postgres.Sql[] = [];
  const open = (address: string) => {
    const sql = postgres(address, { max: 2, onnotice: () => {} });
    opened.push(sql);
    return sql;
  };
  const admin = open(server.superuserUrl('psa_platform'));

  const call: TestPlatform['call'] = async (method, path, options = {}) => {
    const payload = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(options.token ? { authorization: `Bearer ${options.token}` } : {}),
        ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(payload === undefined ? {} : { body: payload }),
    });
    const text = await response.text();
    const json = response.headers.get('content-type')?.includes('json') && text !== '';
    return { status: response.status, text, headers: response.headers, body: json ? JSON.parse(text) : null };
  };
  return {
    url,
    running,
    admin,
    asService(service) {
      const address = new URL(server.superuserUrl('psa_platform'));
      address.username = `psa_${service}`;
      address.password = rolePassword;
      return open(address.href);
    },
    async login(email, password = DEMO_PASSWORD) {
      const answer = await call('POST', '/api/v1/auth/login', { body: { email, password } });
      if (answer.status !== 200) throw new Error(`login of ${email}: ${answer.status} ${answer.text}`);
      return answer.body.data.access_token;
    },
    call,
    async operations() {
      const { body } = await call('GET', '/api/v1/openapi.json');
      return operationsOf(
        body as {
          paths: Record<
            string,
            Record<string, { requestBody?: { content?: Record<string, { schema?: JsonSchema }> } }>
          >;
        },
      );
    },
    async addTenant(name) {
      const email = `admin-${randomUUID()}@foreign.example`;
      const made = await createTenant(running.platform.deps.auth, {
        name,
        admin: { email, name: 'Foreign Admin', password: DEMO_PASSWORD },
      });
      return { email, tenantId: made.tenant_id };
    },
    async stop() {
      await Promise.all(opened.map((sql) => sql.end({ timeout: 2 })));
      await running.stop('the test is over');
      await dir.remove();
    },
  };
}
