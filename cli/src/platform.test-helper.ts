import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '@psa/test-kit/free-port';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import postgres from 'postgres';

const repo = join(import.meta.dirname, '../..');
export const BIN = join(repo, 'cli/bin');
export const PASSWORD = 'kiesel-regen-sommer-laterne';

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
  const dir = await tempDir('psactl-e2e');
  const port = await freePort();
  const most = '100000000';
  const child = spawn(process.execPath, [join(repo, 'embedded/src/main.ts')], {
    cwd: dir.path,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: dir.path,
      PORT: String(port),
      PSA_DATA_DIR: join(dir.path, 'data'),
      PSA_DEMO: demo ? '1' : '0',
      PSA_DEMO_PASSWORD: PASSWORD,
      RATE_ANONYMOUS_PER_MINUTE: most,
      RATE_PROFESSIONAL_PER_HOUR: most,
    },
  });
  try {
    const token = await untilReady(child, demo);
    return await signedIn(child, dir, port, token);
  } catch (error) {
    await stop(child, dir);
    throw error;
  }
}

/** Waits for the ready line and, on an empty platform, the link that makes the first administrator. */
async function untilReady(child: ChildProcess, demo: boolean): Promise<string | null> {
  let text = '';
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      text += chunk;
      if (!text.includes('PSA-Platform ready on ')) return;
      const token = /\/setup\?token=(\S+)\s/.exec(text)?.[1];
      if (demo) resolve(null);
      else if (token) resolve(decodeURIComponent(token));
    };
    child.stdout!.on('data', read);
    child.stderr!.on('data', read);
    child.once('exit', (code) => reject(new Error(`The platform ended with ${code}:\n${text}`)));
  });
}

async function signedIn(
  child: ChildProcess,
  dir: TempDir,
  port: number,
  token: string | null,
): Promise<RunningPlatform> {
  const url = `http://127.0.0.1:${port}`;
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
  const email = token === null ? 'admin@demo.example' : 'admin@test.example';
  if (token !== null) {
    const admin = { tenant_name: 'Test', name: 'Admin', email, password: PASSWORD };
    await api('POST', '/api/v1/auth/setup', { token, ...admin });
  }
  const answer = await api('POST', '/api/v1/auth/login', { email, password: PASSWORD });
  access = (answer.data ?? answer).access_token;
  const sql = await database(join(dir.path, 'data/postgres'));
  return {
    url,
    port,
    sql,
    env: {
      PSA_URL: url,
      PSA_EMAIL: email,
      PSA_PASSWORD: PASSWORD,
      HOME: dir.path,
      PATH: `${BIN}:/usr/bin:/bin`,
    },
    api,
    async stop() {
      await sql.end({ timeout: 2 });
      await stop(child, dir);
    },
  };
}

/** The platform's own database server, which keeps its port and its superuser's password beside the data. */
async function database(dataDir: string): Promise<postgres.Sql> {
  const port = Number((await readFile(join(dataDir, 'postmaster.pid'), 'utf8')).split('\n')[3]);
  const password = (await readFile(join(dataDir, 'psa-superuser-password'), 'utf8')).trim();
  const database = 'psa_platform';
  return postgres({ host: '127.0.0.1', port, database, username: 'postgres', password, max: 2 });
}

async function stop(child: ChildProcess, dir: TempDir): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }
  await dir.remove();
}
