import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { CHILD_ENV } from './child-env.ts';
import { freePort } from './free-port.ts';
import { prepared } from './prepared.ts';
import { tempDir } from './temp-dir.ts';
import { until } from './until.ts';

const MAIN = fileURLToPath(new URL('../../../embedded/src/main.ts', import.meta.url));
const READY_WITHIN_MS = 180_000;
/** A test does in a minute what a person does in a day, all from one address. */
const MANY = '100000000';
/** Settings of a platform whose rate limits no test reaches. */
export const UNLIMITED = {
  RATE_ANONYMOUS_PER_MINUTE: MANY,
  RATE_STANDARD_PER_HOUR: MANY,
  RATE_PROFESSIONAL_PER_HOUR: MANY,
  RATE_ENTERPRISE_PER_HOUR: MANY,
  RATE_READING_PER_HOUR: MANY,
};
/** Of all demo accounts. */
export const DEMO_PASSWORD = 'vier stille Reiher am See';

/** `demo`: with the demo data. `empty`: with tables and nothing in them; the first start prints a link. */
export type PlatformMode = 'demo' | 'empty';

/** The whole platform in a process of its own, as `npm start` runs it. */
export interface PlatformProcess {
  /** Without a slash at its end. */
  readonly url: string;
  readonly port: number;
  /** A folder for its data and its user's home; it goes with `stop`. */
  readonly folder: string;
  /** Of the link that makes the first administrator; null where there is one. */
  readonly setupToken: string | null;
  /** Superuser of its database: sees the rows of every service. */
  readonly sql: postgres.Sql;
  stop(): Promise<void>;
}

/** Starts it on a copy of the prepared data of `mode`. */
export async function startPlatformProcess(mode: PlatformMode): Promise<PlatformProcess> {
  const dir = await tempDir(`platform-${mode}`);
  try {
    await copyPlatformData(mode, join(dir.path, 'data'));
    const started = await startPlatformIn(mode, dir.path);
    return {
      ...started,
      async stop() {
        await started.stop();
        await dir.remove();
      },
    };
  } catch (error) {
    await dir.remove();
    throw error;
  }
}

/** Puts the data of a platform that was started once and stopped into `to`, which must not be there yet. */
export async function copyPlatformData(mode: PlatformMode, to: string): Promise<void> {
  const folder = await prepared(mode, async (made) => {
    const platform = await startPlatformIn(mode, made);
    await settled(platform.sql);
    await platform.stop();
  });
  await promisify(execFile)('cp', ['--archive', '--reflink=auto', join(folder, 'data'), to]);
}

/** Starts it on the data that stand in `<folder>/data`, or makes them. The folder stays. */
export async function startPlatformIn(mode: PlatformMode, folder: string): Promise<PlatformProcess> {
  const port = await freePort();
  const child = spawn(process.execPath, [MAIN], {
    cwd: folder,
    env: {
      ...CHILD_ENV,
      HOME: folder,
      PORT: String(port),
      PSA_DATA_DIR: join(folder, 'data'),
      PSA_DEMO: mode === 'demo' ? '1' : '0',
      PSA_DEMO_PASSWORD: DEMO_PASSWORD,
      ...UNLIMITED,
    },
    // The channel tells the platform when the test was killed; it stops by itself then.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const exited = once(child, 'exit');
  const end = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT');
    await exited;
  };
  try {
    const output = await ready(child);
    const token = /\/setup\?token=(\S+)\s/.exec(output)?.[1];
    const sql = await platformDatabase(join(folder, 'data'));
    return {
      url: `http://127.0.0.1:${port}`,
      port,
      folder,
      setupToken: token === undefined ? null : decodeURIComponent(token),
      sql,
      async stop() {
        await sql.end({ timeout: 2 });
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Waits for the last line of the greeting; gives all that was printed. */
async function ready(child: ChildProcess): Promise<string> {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk));
  const isUp = () => output.includes('PSA-Platform ready on ') && output.includes('Stop: Ctrl-C');
  await until(() => isUp() || child.exitCode !== null, READY_WITHIN_MS, 'the platform').catch((error) => {
    throw new Error(`The platform is not ready:\n${output}`, { cause: error });
  });
  if (!isUp()) throw new Error(`The platform ended with ${child.exitCode}:\n${output}`);
  return output;
}

/** The superuser's connection to the database of a running platform, which keeps port and password beside the data. */
export async function platformDatabase(dataDir: string): Promise<postgres.Sql> {
  const file = (name: string) => readFile(join(dataDir, 'postgres', name), 'utf8');
  const port = Number((await file('postmaster.pid')).split('\n')[3]);
  const password = (await file('psa-superuser-password')).trim();
  return postgres({
    host: '127.0.0.1',
    port,
    database: 'psa_platform',
    username: 'postgres',
    password,
    max: 2,
  });
}

/** Waits until no event of the platform is on its way; parked ones stay. */
export async function settled(sql: postgres.Sql): Promise<void> {
  const outboxes = await sql<{ name: string }[]>`
    select format('%I.outbox', table_schema) as name from information_schema.tables where table_name = 'outbox'`;
  const waiting = [...outboxes.map(({ name }) => name), 'bus.events']
    .map((name) => `(select count(*) from ${name})`)
    .join(' + ');
  const left = async () => Number((await sql.unsafe(`select ${waiting} as n`))[0]!.n);
  await until(async () => (await left()) === 0, 60_000, 'every event to arrive');
}
