import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SERVICE_NAMES, type ServiceName } from '@psa/contracts/services';
import { migrate } from '@psa/infra/database/migrate';
import { provision, roleOf } from '@psa/infra/database/provision';
import { startPostgres } from '@psa/infra/postgres-server';
import { CHILD_ENV } from '@psa/test-kit/child-env';
import { freePort } from '@psa/test-kit/free-port';
import { startRabbitMq } from '@psa/test-kit/rabbitmq';
import { startRedis, type TestServer } from '@psa/test-kit/redis';
import { ServerProcess } from '@psa/test-kit/server-process';
import { tempDir } from '@psa/test-kit/temp-dir';
import { until } from '@psa/test-kit/until';
import postgres from 'postgres';

const ROOT = new URL('../../', import.meta.url);
const DATABASE = 'psa_platform';
type ProcessName = ServiceName | 'gateway';
/** Six processes start at once, perhaps on a machine with other work. */
const PATIENCE_MS = 120_000;

export const ADMIN = { email: 'erika@muster.example', name: 'Erika Muster', password: 'seven brown kettles' };

/** PostgreSQL, RabbitMQ, Redis, and services as processes of their own, as a cluster has them. */
export interface ServiceProcesses {
  readonly rabbit: TestServer;
  /** Superuser of the services' database. */
  readonly sql: postgres.Sql;
  /** Superuser, URL of the services' database. */
  readonly adminUrl: string;
  /** Of each service's role. */
  readonly rolePassword: string;
  urlOf(name: ProcessName): string;
  /** Of those that run. */
  pids(): number[];
  /** URL of the database with a service's own role; `ledger` is there, too. */
  databaseUrl(service: string): string;
  /** Starts the processes and waits until each says that it is ready. */
  start(...names: ProcessName[]): Promise<void>;
  /** Makes the tenant of {@link ADMIN}; after the start, because who has never run gets no earlier events. */
  makeFirstTenant(): Promise<void>;
  kill9(name: ProcessName): Promise<void>;
  /** SIGTERM; resolves when the process has ended. */
  end(name: ProcessName): Promise<void>;
  stop(): Promise<void>;
}

/** Where the programs stand: in the repository, or in the folder of an unpacked release. */
function programs(release?: string) {
  const at = (source: string, released: string) =>
    release ? join(release, released, 'main.mjs') : fileURLToPath(new URL(source, ROOT));
  return {
    service: (name: ProcessName) => at(`services/${name}/src/main.ts`, `services/${name}`),
    migrate: at('libs/infra/src/database/main.ts', 'migrate'),
    setupLink: at('services/auth/src/setup-link/main.ts', 'setup-link'),
  };
}

/**
 * Starts the servers and makes database, roles and tables; no service runs yet.
 * @param options.release folder of an unpacked release whose programs are taken
 * @param options.env further settings of all services
 */
export async function serviceProcesses(
  options: { release?: string; env?: Record<string, string> } = {},
): Promise<ServiceProcesses> {
  const program = programs(options.release);
  const dir = await tempDir('processes');
  const closing: (() => Promise<unknown>)[] = [() => dir.remove()];
  const stop = async () => {
    for (const close of closing.splice(0).reverse()) await close();
  };
  try {
    const server = await startPostgres({ dataDir: `${dir.path}/postgres` });
    closing.push(() => server.stop());
    const [rabbit, redis] = await Promise.all([startRabbitMq(), startRedis()]);
    closing.push(
      () => rabbit.stop(),
      () => redis.stop(),
    );
    const password = randomBytes(12).toString('hex');
    const databaseUrl = (service: string) => {
      const url = new URL(server.superuserUrl(DATABASE));
      url.username = roleOf(service);
      url.password = password;
      return url.href;
    };
    const root = postgres(server.superuserUrl(), { max: 1, onnotice: () => {} });
    await root.unsafe(`create database ${DATABASE}`);
    await root.end();
    const sql = postgres(server.superuserUrl(DATABASE), { max: 2, onnotice: () => {} });
    closing.push(() => sql.end({ timeout: 2 }));
    const admin = { DATABASE_ADMIN_URL: server.superuserUrl(DATABASE), ROLE_PASSWORD: password };
    await run(program.migrate, admin);
    await provision(sql, [{ service: 'ledger', password }]);
    await migrate(sql, [{ service: 'ledger', folder: new URL('./fixtures/ledger/', import.meta.url) }]);

    const names: ProcessName[] = [...SERVICE_NAMES, 'gateway'];
    const ports = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await freePort()])));
    const urlOf = (name: ProcessName) => `http://127.0.0.1:${ports[name]}`;
    const addresses = SERVICE_NAMES.map((name) => `${name}=${urlOf(name)}`).join(',');
    const many = '1000000';
    const environment = {
      ...CHILD_ENV,
      RABBITMQ_URL: rabbit.url,
      REDIS_URL: redis.url,
      FILES_DIR: `${dir.path}/files`,
      PEERS: addresses,
      UPSTREAMS: addresses,
      FIELD_KEYS: `k1:${randomBytes(32).toString('hex')}`,
      PUBLIC_URL: urlOf('gateway'),
      RATE_ANONYMOUS_PER_MINUTE: many,
      RATE_STANDARD_PER_HOUR: many,
      LOG_LEVEL: 'warn',
      ...options.env,
    };
    const processes = new Map<ProcessName, ServerProcess>();
    for (const name of names) {
      const env = { ...environment, PORT: String(ports[name]), DATABASE_URL: databaseUrl(name) };
      const child = new ServerProcess(process.execPath, [program.service(name)], env, ports[name]);
      processes.set(name, child);
      closing.push(() => child.end('SIGKILL'));
    }
    const isReady = (name: ProcessName) =>
      fetch(`${urlOf(name)}/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
    return {
      rabbit,
      sql,
      adminUrl: server.superuserUrl(DATABASE),
      rolePassword: password,
      urlOf,
      pids: () => [...processes.values()].flatMap(({ pid }) => (pid === 0 ? [] : [pid])),
      databaseUrl,
      start: async (...wanted) => {
        await Promise.all(wanted.map((name) => processes.get(name)!.start(PATIENCE_MS)));
        for (const name of wanted) await until(() => isReady(name), PATIENCE_MS, `${name} to be ready`);
      },
      makeFirstTenant: async () => {
        const settings = { DATABASE_URL: databaseUrl('auth'), PUBLIC_URL: urlOf('gateway') };
        const link = new URL(await run(program.setupLink, settings));
        const response = await fetch(`${urlOf('auth')}/api/v1/auth/setup`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ token: link.searchParams.get('token'), tenant_name: 'Muster IT', ...ADMIN }),
        });
        if (response.status !== 201) throw new Error(`setup: ${response.status} ${await response.text()}`);
      },
      kill9: (name) => processes.get(name)!.end('SIGKILL'),
      end: (name) => processes.get(name)!.end('SIGTERM'),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Runs a program to its end and returns what it printed. */
async function run(path: string, env: Record<string, string>): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [path], {
    env: { ...CHILD_ENV, ...env },
  });
  return stdout.trim();
}
