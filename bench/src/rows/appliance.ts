import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Container, expand, siteOf } from '@psa/appliance/inventory/expand';
import { loadInventory } from '@psa/appliance/inventory/load';
import type { Inventory } from '@psa/appliance/inventory/schema';
import { startPostgres } from '@psa/infra/postgres-server';
import { labDown, labUp } from '@psa/lab/control';
import { type OpenPorts, openPorts } from '@psa/lab/daemon/ports';
import { type LabSettings, readSettings } from '@psa/lab/settings';
import { tempDir } from '@psa/test-kit/temp-dir';
import type { Benchmark, Row, Say } from '../row.ts';

const ROOT = new URL('../../../', import.meta.url).pathname;
const PSACTL = join(ROOT, 'cli/bin/psactl');
const DIR = '/var/lib/psa-lab-bench';
const VERSION = '0.1.0';
const LAB = { dir: DIR, name: 'psabench', loopback: '127.79.0', portalPort: 10_443 };
/** How often the whole appliance may take what its parts take alone. */
const BOUND = 2;

const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** Runs a program of this repository to its end, its output shown when it fails. */
async function must(program: string, args: readonly string[], env: Record<string, string> = {}) {
  await promisify(execFile)(program, [...args], {
    ...{ cwd: ROOT, maxBuffer: 64e6, env: { ...process.env, PSA_LAB_DIR: DIR, ...env } },
  }).catch((error) => {
    throw new Error(`${args.join(' ')}: ${error.stdout}${error.stderr}`);
  });
}

async function run(say: Say): Promise<Row[]> {
  if (process.getuid?.() !== 0) throw new Error('Real containers need root.');
  await labDown(DIR);
  await must(PSACTL, ['template', 'build']);
  await must(process.execPath, ['scripts/release.ts', '--version', VERSION]);
  const whole = await applianceOf(say);
  const parts = await partsAlone(whole.settings, whole.inventory);
  const { unpack, boot, release, migrate } = parts;
  const [ours, limit] = [whole.up + whole.apply, unpack + boot + release + migrate];
  const ratio = ours / limit;
  return [
    {
      what: `the appliance, ${parts.containers} containers: lab up and apply`,
      ours: `${seconds(ours)} (lab up ${seconds(whole.up)}, apply ${seconds(whole.apply)})`,
      limit: `${seconds(limit)}, one after the other: unpacking ${seconds(unpack)} and, of the release, ${seconds(release)}, booting ${seconds(boot)}, migrating ${seconds(migrate)}`,
      ratio: ratio.toFixed(2),
      target: `≤ ${BOUND}`,
      met: ratio <= BOUND,
    },
  ];
}

/** Makes the whole appliance, and takes it away again. */
async function applianceOf(say: Say) {
  try {
    const up = await timed(() => labUp(LAB));
    say(`lab up ${seconds(up)}`);
    const apply = await timed(() => must(PSACTL, ['apply', '--site', 'lab', '--yes']));
    say(`apply ${seconds(apply)}`);
    const file = join(DIR, 'appliance.yaml');
    const loaded = loadInventory(await readFile(file, 'utf8'), file);
    if (!loaded.ok) throw new Error(`The lab's inventory is damaged: ${JSON.stringify(loaded.errors)}`);
    return { up, apply, inventory: loaded.inventory, settings: readSettings(DIR)! };
  } finally {
    await labDown(DIR);
  }
}

/** What it is made of, each for itself. Milliseconds. */
async function partsAlone(settings: LabSettings, inventory: Inventory) {
  const site = siteOf(inventory, 'lab');
  const services = new Set<string>(inventory.services.map(({ name }) => name));
  const containers = expand(inventory, site);
  const sum = { unpack: 0, boot: 0, release: 0 };
  await mkdir(DIR, { recursive: true });
  const ports = await openPorts(DIR, settings, inventory, site);
  try {
    for (const { name } of site.nodes) await ports.network.setNode(name, true);
    for (const container of containers) {
      const alone = await partsOf(ports, container, services.has(container.group));
      sum.unpack += alone.unpack;
      sum.boot += alone.boot;
      sum.release += alone.release;
    }
  } finally {
    await ports.remove();
    await rm(DIR, { recursive: true, force: true });
  }
  return { ...sum, migrate: await migrateAlone(), containers: containers.length };
}

/** Until its bus is there, systemd says nothing; "degraded" counts: what is not configured yet may fail. */
const BOOTED =
  'i=0; until systemctl is-system-running --wait 2>/dev/null | grep -qE "running|degraded"; do i=$((i+1)); [ $i -lt 1200 ] || exit 1; sleep 0.05; done';

/** One container by itself on an otherwise idle machine. Milliseconds. */
async function partsOf(ports: OpenPorts, container: Container, isService: boolean) {
  const { runtime, volumes } = ports;
  const { id, node, memory_mb: memoryMb } = container;
  const volume = { storage: container.storage, name: `vm-${id}-disk-0` };
  const archive = join(ROOT, 'dist/templates', `${container.template}.tar.zst`);
  const sizeBytes = container.disk_gb * 1024 ** 3;
  const unpack = await timed(() => volumes.create(node, volume, { archive, unprivileged: true, sizeBytes }));
  const rootfs = await volumes.path(node, volume);
  const exec = async (argv: readonly string[], stdin?: ReturnType<typeof createReadStream>) => {
    const code = await runtime.exec(node, id, argv, stdin ? { stdin } : {});
    if (code !== 0) throw new Error(`${argv.join(' ')} in ${id}: ${code}`);
  };
  const boot = await timed(async () => {
    await runtime.start({
      ...{ id, node, hostname: container.name, searchDomain: null, nameservers: [], rootfs },
      ...{
        unprivileged: true,
        nesting: true,
        limits: { memoryMb, swapMb: container.swap_mb, cores: container.cores },
      },
      cards: [
        {
          ...{ name: 'eth0', hwaddr: `02:00:00:00:${hex(id >> 8)}:${hex(id & 255)}` },
          ...{ bridge: container.bridge, vlan: container.vlan },
          ...{ address: `${container.address}/${container.prefix}`, gateway: container.gateway },
        },
      ],
    });
    await exec(['sh', '-c', BOOTED]);
  });
  const file = join(ROOT, 'dist/releases', `psa-platform-${VERSION}.tar.zst`);
  const release = isService
    ? await timed(() => exec(['psa-release', 'install', VERSION], createReadStream(file)))
    : 0;
  await runtime.stop(node, id);
  await volumes.remove(node, volume);
  return { unpack, boot, release };
}

const hex = (byte: number) => byte.toString(16).padStart(2, '0');

/** All migrations of the release on an empty database. */
async function migrateAlone(): Promise<number> {
  const dir = await tempDir('migrate');
  const server = await startPostgres({ dataDir: `${dir.path}/data` });
  try {
    const folder = join(dir.path, 'release');
    await mkdir(folder);
    const archive = join(ROOT, 'dist/releases', `psa-platform-${VERSION}.tar.zst`);
    await promisify(execFile)('tar', ['--zstd', '-xf', archive, '-C', folder]);
    const env = { DATABASE_ADMIN_URL: server.superuserUrl(), ROLE_PASSWORD: 'bench' };
    return await timed(() => must(process.execPath, [join(folder, 'migrate/main.mjs')], env));
  } finally {
    await server.stop();
    await rm(dir.path, { recursive: true, force: true });
  }
}

export const appliance: Benchmark = {
  name: 'appliance',
  method:
    "`psactl lab up` and `psactl apply` of the lab's whole inventory on real LXC containers, templates and release already built. The limit, in the same run: for every container of it, one at a time on the idle machine, unpacking its template, booting it until systemd says that it runs, and for services unpacking the release in it; then all migrations on an empty PostgreSQL. Needs root.",
  run,
};
