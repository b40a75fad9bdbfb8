import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Container, expand, siteOf } from '@psa/appliance/inventory/expand';
import { loadInventory } from '@psa/appliance/inventory/load';
import type { Inventory } from '@psa/appliance/inventory/schema';
import { labDown, labUp } from '@psa/lab/control';
import type { LoadReport } from '@psa/lab/load/load';
import { startLoad } from '@psa/lab/load/start-load';
import { readSettings } from '@psa/lab/settings';
import { weigh } from '@psa/lab/weigh';
import type { Say } from './row.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const PSACTL = join(ROOT, 'cli/bin/psactl');
const PASSWORD = 'vier stille Reiher am See';
/** A running lab with its appliance and the demo data; it is left running. Absent: one is made and removed. */
const GIVEN = process.env.PSA_DRILL_DIR;
const LAB = { dir: '/var/lib/psa-lab-bench', name: 'psabench', loopback: '127.79.0', portalPort: 10_443 };
const RELEASE = '0.1.0';

const exec = promisify(execFile);

/** An appliance on real containers, and hands for it. */
export interface RecoveryLab {
  readonly containers: readonly Container[];
  /** Runs psactl with `--json`. @returns what is under `data` */
  psactl<T>(...args: readonly string[]): Promise<T>;
  /** Runs a line of bash in a container. */
  inside(container: string, line: string): Promise<string>;
  /** Milliseconds of a line of bash in a container, as its own clock has them: the way there is not counted. */
  timed(container: string, line: string): Promise<number>;
  /** Changes the inventory's text; `close` brings the first one back. */
  edit(change: (text: string) => string): Promise<void>;
  /** The folder of a container's files on this machine; of one on a storage of its node. */
  rootOf(container: Container): string;
  /** Stops and destroys a container that was restored beside. */
  remove(node: string, id: number): Promise<void>;
  load(seconds: number): { stop(): Promise<LoadReport>; readonly done: Promise<LoadReport> };
  close(): Promise<void>;
}

/** Makes a lab with the whole appliance and the demo data, or takes the one that `PSA_DRILL_DIR` names. Needs root. */
export async function recoveryLab(say: Say): Promise<RecoveryLab> {
  if (process.getuid?.() !== 0) throw new Error('Real containers need root.');
  const dir = GIVEN ?? LAB.dir;
  const file = join(dir, 'appliance.yaml');
  const env = { ...process.env, PSA_LAB_DIR: dir, PSA_DEMO_PASSWORD: PASSWORD };
  const run = async (program: string, args: readonly string[]) => {
    try {
      return (await exec(program, [...args], { cwd: ROOT, env, maxBuffer: 256e6 })).stdout;
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`${args.join(' ')}: ${stdout.slice(-3_000)}${stderr.slice(-3_000)}`);
    }
  };
  const onSite = ['--site', 'lab', '--inventory', file];
  if (GIVEN === undefined) {
    await labDown(dir);
    await run(PSACTL, ['template', 'build']);
    await run(process.execPath, ['scripts/release.ts', '--version', RELEASE]);
    await labUp(LAB);
    await run(PSACTL, ['apply', '--yes', ...onSite]);
    await run(PSACTL, ['lab', 'demo', '--yes', ...onSite]);
    say('the appliance stands');
  }
  weigh(readSettings(dir)!.name);
  const before = await readFile(file, 'utf8');
  const loaded = loadInventory(before, file);
  if (!loaded.ok) throw new Error(`The lab's inventory is damaged: ${JSON.stringify(loaded.errors)}`);
  const { inventory } = loaded;
  const containers = expand(inventory, siteOf(inventory, 'lab'));
  const client = { url: `https://${inventory.domain}`, address: '203.0.113.1' };
  const inside = (container: string, line: string) =>
    run(PSACTL, ['exec', container, ...onSite, '--', 'bash', '-o', 'pipefail', '-c', line]);
  return {
    ...{ containers, inside },
    psactl: async <T>(...args: readonly string[]) =>
      (JSON.parse(await run(PSACTL, [...args, ...onSite, '--json'])) as { data: T }).data,
    async timed(container, line) {
      const text = await inside(
        container,
        `a=$(date +%s%N); { ${line}; } >/dev/null && echo $(( ($(date +%s%N) - a) / 1000 ))`,
      );
      return Number(text.trim()) / 1_000;
    },
    edit: async (change) => writeFile(file, change(await readFile(file, 'utf8'))),
    rootOf: ({ id, node, storage }) => join(dir, 'nodes', node, storage, 'volumes', `vm-${id}-disk-0`),
    remove: (node, id) => destroy(inventory, dir, node, id),
    load: (seconds) =>
      startLoad(
        {
          ...{ ...client, email: 'technician@demo.example', password: PASSWORD, seconds },
          ...{ readers: 4, writers: 2, pauseMs: 250 },
        },
        `/run/netns/${readSettings(dir)!.name}-internet`,
      ),
    async close() {
      await writeFile(file, before);
      if (GIVEN === undefined) await labDown(dir);
    },
  };
}

/** Asks the lab's API itself: psactl removes only what is its own. */
async function destroy(inventory: Inventory, dir: string, node: string, id: number): Promise<void> {
  const api = siteOf(inventory, 'lab').nodes.find(({ name }) => name === node)!.api!;
  const authorization = `PVEAPIToken=${(await readFile(join(dir, 'token'), 'utf8')).trim()}`;
  const path = `${api}/api2/json/nodes/${node}/lxc`;
  const call = (method: string, url: string) =>
    new Promise<string>((resolve, reject) => {
      // Its certificate is of its own making.
      const sent = request(
        url,
        { method, headers: { authorization }, rejectUnauthorized: false },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('end', () =>
            answer.statusCode === 200
              ? resolve(Buffer.concat(chunks).toString())
              : reject(new Error(`${method} ${url}: ${answer.statusCode}`)),
          );
        },
      );
      sent.on('error', reject).end();
    });
  await call('DELETE', `${path}/${id}?force=1&purge=1`);
  const isThere = async () => (JSON.parse(await call('GET', path)) as { data: { vmid: number }[] }).data;
  while ((await isThere()).some(({ vmid }) => vmid === id)) await sleep(500);
}
