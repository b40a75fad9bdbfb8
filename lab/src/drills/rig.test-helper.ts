import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Container, expand, siteOf } from '@psa/appliance/inventory/expand';
import { loadInventory } from '@psa/appliance/inventory/load';
import type { Inventory } from '@psa/appliance/inventory/schema';
import type { Site } from '@psa/appliance/inventory/site-schema';
import { shellQuote } from '@psa/proxmox/ssh';
import { type LabControl, labControl, labDown, labUp } from '../control.ts';
import type { LoadReport } from '../load/load.ts';
import type { LoadInput } from '../load/options.ts';
import { checkTickets, startLoad } from '../load/start-load.ts';
import { readSettings } from '../settings.ts';
import { weigh } from '../weigh.ts';

const ROOT = join(import.meta.dirname, '../../..');
/** What drills measured: a JSON file each. */
export const MEASURED = join(ROOT, 'dist/drills');
/** Password of the demo accounts of a drill's appliance. */
export const PASSWORD = process.env.PSA_DEMO_PASSWORD ?? 'vier stille Reiher am See';
/** A running lab with its appliance to drill on; it is left running. Absent: one is made and removed. */
const GIVEN = process.env.PSA_DRILL_DIR;
/** Leaves the lab that is made running as well, to look into it and to drill on it again by PSA_DRILL_DIR. */
const IS_KEPT = process.env.PSA_DRILL_KEEP === '1';
/** Releases that drills deploy: made of this repository, but for the one whose services never get ready. */
export const RELEASES = { first: '0.1.0', next: '0.1.1', broken: '0.1.2' } as const;

/** How a program ended. */
export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A psactl that runs. */
export interface Running {
  readonly done: Promise<Run>;
  /** SIGKILL. */
  kill(): void;
}

/** An appliance on a lab, and hands for it. */
export interface Rig {
  readonly dir: string;
  readonly lab: LabControl;
  readonly labName: string;
  readonly inventory: Inventory;
  readonly site: Site;
  readonly containers: readonly Container[];
  /** `https://127.0.0.1:8443` */
  readonly portal: string;
  /** Starts psactl with `--site lab`. */
  start(...args: readonly string[]): Running;
  /** Runs it to its end. */
  psactl(...args: readonly string[]): Promise<Run>;
  /** The same with `--json`. @throws when it does not end with `code` */
  json<T>(code: number, ...args: readonly string[]): Promise<T>;
  /** Runs a shell line in a container. @throws when it fails */
  inside(container: string, line: string): Promise<string>;
  /** Runs SQL on the primary, in the platform's database or another one. */
  sql(text: string, database?: string): Promise<string>;
  /** Loads the portal from the internet's side. */
  load(options: Partial<LoadInput> & { readonly seconds: number }): ReturnType<typeof startLoad>;
  /** Ids of tickets that are not there. */
  missing(ids: readonly string[]): Promise<readonly string[]>;
  /** Waits until everything is healthy. @throws after the time, with what is not */
  healthy(withinMs: number): Promise<void>;
  down(): Promise<void>;
}

/** Runs a program in the repository, its output shown when it fails. */
export function startProgram(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const child = spawn(program, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  return {
    done: new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) =>
        resolve({ code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
      );
    }),
    kill: () => void child.kill('SIGKILL'),
  };
}

/** Runs it to its end. @throws when it fails */
export async function runProgram(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const run = await startProgram(program, args, env).done;
  if (run.code !== 0)
    throw new Error(
      `${program} ${args.join(' ')} ended with ${run.code}:\n${run.stdout.slice(-4_000)}\n${run.stderr.slice(-4_000)}`,
    );
  return run;
}

/** Makes a lab with the whole appliance and the demo data, or takes the one that `PSA_DRILL_DIR` names. */
export async function raise(): Promise<Rig> {
  const dir = GIVEN ?? '/var/lib/psa-lab-drill';
  // The machine's own key, as whoever builds here has: templates that were built are taken as they are, and a lab that is
  // kept takes the releases of the next run.
  process.env.PSA_SIGNING_KEY = '';
  const psactl = join(ROOT, 'cli/bin/psactl');
  const env = { PSA_LAB_DIR: dir, PSA_DEMO_PASSWORD: PASSWORD };
  if (!GIVEN) {
    await labDown(dir);
    await runProgram(psactl, ['template', 'build'], env);
    await buildRelease(RELEASES.first);
    await labUp({ dir, name: 'psadrill', loopback: '127.78.0', portalPort: 9443 });
    await runProgram(psactl, ['apply', '--site', 'lab', '--yes'], env);
    await runProgram(psactl, ['lab', 'demo', '--site', 'lab', '--yes'], env);
  }
  const rig = rigOf(dir, psactl, env);
  weigh(rig.labName);
  return rig;
}

/** Builds a release where it is not there yet. */
export async function buildRelease(version: string, ...flags: readonly string[]): Promise<void> {
  await runProgram(process.execPath, ['scripts/release.ts', '--version', version, ...flags]);
}

/** Keeps what was measured, for reports. */
export function keep(name: string, data: unknown): void {
  mkdirSync(MEASURED, { recursive: true });
  writeFileSync(join(MEASURED, `${name}.json`), `${JSON.stringify(data)}\n`);
}

/** What a load met, without its curve and lists. */
export const summary = ({ reads, writes, acknowledged, open, firstFailures }: LoadReport) => ({
  ...{ reads, writes, acknowledged: acknowledged.length, open: open.length },
  firstFailures: firstFailures.slice(0, 5),
});

function rigOf(dir: string, psactl: string, env: Record<string, string>): Rig {
  const file = join(dir, 'appliance.yaml');
  const loaded = loadInventory(readFileSync(file, 'utf8'), file);
  if (!loaded.ok) throw new Error(`The lab's inventory is damaged: ${JSON.stringify(loaded.errors)}`);
  const { inventory } = loaded;
  const site = siteOf(inventory, 'lab');
  const settings = readSettings(dir)!;
  const lab = labControl(dir);
  const internet = `/run/netns/${settings.name}-internet`;
  const client = {
    url: `https://${inventory.domain}`,
    // The router's outside.
    address: '203.0.113.1',
    email: 'technician@demo.example',
    password: PASSWORD,
  };
  const start = (...args: readonly string[]) =>
    startProgram(psactl, [...args, '--site', 'lab', '--inventory', file], env);
  const rig: Rig = {
    ...{ dir, lab, inventory, site, start },
    labName: settings.name,
    containers: expand(inventory, site),
    portal: `https://127.0.0.1:${settings.portalPort}`,
    psactl: (...args) => start(...args).done,
    async json<T>(code: number, ...args: readonly string[]): Promise<T> {
      const run = await start(...args, '--json').done;
      if (run.code !== code)
        throw new Error(
          `psactl ${args.join(' ')} ended with ${run.code}, not ${code}:\n${run.stdout.slice(-3_000)}\n${run.stderr.slice(-3_000)}`,
        );
      return JSON.parse(run.stdout) as T;
    },
    async inside(container, line) {
      const all = [container, '--site', 'lab', '--inventory', file, '--', 'sh', '-c', line];
      const run = await startProgram(psactl, ['exec', ...all], env).done;
      if (run.code !== 0) throw new Error(`${line} in ${container} ended with ${run.code}: ${run.stderr}`);
      return run.stdout;
    },
    async sql(text, database = inventory.data.postgres.database) {
      const primary = await primaryOf(rig);
      if (primary.length !== 1) throw new Error(`There are ${primary.length} primaries.`);
      const line = `cd /; runuser -u postgres -- psql -d ${shellQuote(database)} -tAc ${shellQuote(text)}`;
      return rig.inside(primary[0]!, line);
    },
    load: (options) => startLoad({ ...client, pauseMs: 200, ...options }, internet),
    missing: (ids) => checkTickets({ ...client, ids: [...ids], writeTimeoutMs: 30_000 }, internet),
    async healthy(withinMs) {
      const run = await rig.psactl('status', '--wait', String(Math.ceil(withinMs / 1_000)), '--json');
      if (run.code !== 0)
        throw new Error(`Not healthy: ${run.stdout.slice(0, 4_000)}\n${run.stderr.slice(-2_000)}`);
    },
    async down() {
      if (!GIVEN && !IS_KEPT) await labDown(dir);
    },
  };
  return rig;
}

/** Names of the PostgreSQL containers that say they are the primary. */
export async function primaryOf(rig: Rig): Promise<readonly string[]> {
  const members = rig.containers.filter((one) => one.group === 'postgres');
  const found = await Promise.all(
    members.map(async (one) => {
      const line = `curl -s -m 3 -o /dev/null -w '%{http_code}' http://${one.address}:8008/primary`;
      const code = await rig.inside(one.name, `${line} || true`).catch(() => '');
      return code.trim() === '200' ? one.name : null;
    }),
  );
  return found.filter((name) => name !== null);
}
