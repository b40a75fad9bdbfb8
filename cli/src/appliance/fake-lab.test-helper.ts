import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { labDown, labUp } from '@psa/lab/control';
import { freePort } from '@psa/test-kit/free-port';
import { type Ran, runCli } from '../run-cli.test-helper.ts';
import { readJournal } from './journal.ts';
import { type OpenSite, openSite } from './site.ts';

/** A lab of containers that are made up, with templates and a release of a few bytes. */
export interface FakeLab {
  readonly dir: string;
  readonly inventory: string;
  readonly site: OpenSite;
  /** Runs psactl on it. */
  psactl(...argv: string[]): Promise<Ran>;
  /** Runs it as a process of its own and kills it after a while. @returns whether it was killed, and not done before */
  killed(afterMs: number, ...argv: string[]): Promise<boolean>;
  /** The same when it has written so many lines into its journal. */
  killedAt(lines: number, ...argv: string[]): Promise<boolean>;
  /** Changes the inventory's text. */
  edit(change: (text: string) => string): Promise<void>;
  close(): Promise<void>;
}

const TEMPLATES = ['node-service', 'postgres', 'rabbitmq', 'redis', 'haproxy', 'monitoring'];

/** A tar of these files, made by tar. */
async function tarOf(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'psa-tar-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(join(folder, name, '..'), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    return execFileSync('tar', ['-c', '-C', folder, '--owner=0', '--group=0', '.'], { maxBuffer: 2 ** 26 });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Puts the archive of a release into the folder. */
export async function makeRelease(folder: string, version: string): Promise<void> {
  const main = `console.log(${JSON.stringify(version)});\n`;
  const named = { VERSION: `${version}\n`, 'migrate/main.mjs': main };
  const sums = Object.entries(named).map(
    ([name, text]) => `${createHash('sha256').update(text).digest('hex')}  ${name}\n`,
  );
  await mkdir(folder, { recursive: true });
  const tar = await tarOf({ ...named, SHA256SUMS: sums.join('') });
  await writeFile(join(folder, `psa-platform-${version}.tar.zst`), zstdCompressSync(tar));
}

/** Fewer members of what runs several times in any case. */
const smaller = (text: string) =>
  text
    .replace(/(name: (?:gateway|auth|search)\n +replicas:) 2/g, '$1 1')
    .replace(/(rabbitmq|redis): \{ members: 3 \}/g, '$1: { members: 1 }');

/** @param options `small`: one replica of what a test does not look at */
export async function fakeLab(options: { readonly small?: boolean } = {}): Promise<FakeLab> {
  const base = await mkdtemp(join(tmpdir(), 'psa-fake-lab-'));
  const dir = join(base, 'lab');
  const releases = join(base, 'releases');
  await makeRelease(releases, '0.1.0');
  const templates = join(dir, 'dist/templates');
  await mkdir(templates, { recursive: true });
  const system = await tarOf({ 'usr/lib/os-release': 'ID=debian\n', 'sbin/init': '' });
  for (const name of TEMPLATES)
    await writeFile(join(templates, `${name}-1.0.0.tar.zst`), zstdCompressSync(system));
  await labUp({
    ...{ dir, name: `psa${randomBytes(3).toString('hex')}`, runtime: 'fake', timeFactor: 0.05 },
    loopback: `127.${randomInt(130, 200)}.${randomInt(1, 250)}`,
    ...{ apiPort: await freePort(), sshPort: await freePort(), portalPort: await freePort() },
    release: { version: '0.1.0', directory: releases },
  });
  const inventory = join(dir, 'appliance.yaml');
  if (options.small) await writeFile(inventory, smaller(await readFile(inventory, 'utf8')));
  const env = { HOME: base, PSA_LAB_DIR: dir, PSA_INVENTORY: inventory };
  const io = { env, cwd: base } as never as Parameters<typeof openSite>[0]['io'];
  const site = await openSite({ options: {}, io });
  const killed = async (argv: readonly string[], isTime: () => boolean) => {
    const main = new URL('../main.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, [main, ...argv], {
      ...{ cwd: base, env: { ...process.env, ...env }, stdio: 'ignore' },
    });
    const timer = setInterval(() => isTime() && child.kill('SIGKILL'), 10);
    const signal = await new Promise<string | null>((resolve) => child.once('exit', (_, by) => resolve(by)));
    clearInterval(timer);
    return signal === 'SIGKILL';
  };
  return {
    ...{ dir, inventory, site },
    psactl: (...argv) => runCli(argv, env, { cwd: base }),
    killed(afterMs, ...argv) {
      const end = performance.now() + afterMs;
      return killed(argv, () => performance.now() >= end);
    },
    killedAt(lines, ...argv) {
      const most = readJournal(site.folder).length + lines;
      return killed(argv, () => readJournal(site.folder).length >= most);
    },
    async edit(change) {
      await writeFile(inventory, change(await readFile(inventory, 'utf8')));
    },
    async close() {
      await site.close();
      await labDown(dir);
      await rm(base, { recursive: true, force: true });
    },
  };
}
