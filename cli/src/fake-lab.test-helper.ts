import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { labDown, labUp } from '@psa/lab/control';
import { type Definition, loadDefinitions } from '@psa/lxc-templates/definition';
import { freePort } from '@psa/test-kit/free-port';
import { expect } from 'vitest';
import { readJournal } from './apply/apply-journal.ts';
import type { RunResult } from './backup/run-backup.ts';
import { putTemplate } from './commands/template/templates.test-helper.ts';
import { type Ran, runCli } from './run-cli.test-helper.ts';
import { signFile } from './sign.test-helper.ts';
import { type OpenSite, openSite } from './site/site.ts';

/** A lab of containers that are made up, with templates and a release of a few bytes. */
export interface FakeLab {
  readonly dir: string;
  readonly inventory: string;
  readonly site: OpenSite;
  /** Opens another site of its inventory. */
  open(site: string): Promise<OpenSite>;
  /** Runs psactl on it. */
  psactl(...argv: string[]): Promise<Ran>;
  /** The same with `--json`, read. It must end with `code`. */
  json<T>(code: number, ...argv: string[]): Promise<T>;
  /** Runs it as a process of its own and kills it after a while. @returns whether it was killed, and not done before */
  killed(afterMs: number, ...argv: string[]): Promise<boolean>;
  /** The same when it has written so many lines into its journal. */
  killedAt(lines: number, ...argv: string[]): Promise<boolean>;
  /** The same as soon as something is so. */
  killedWhen(isTime: () => Promise<boolean>, ...argv: string[]): Promise<boolean>;
  /** Changes the inventory's text. */
  edit(change: (text: string) => string): Promise<void>;
  close(): Promise<void>;
}

/** A tar of what is laid into a folder, made by tar. */
async function tarOf(lay: (folder: string) => Promise<unknown>): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'psa-tar-'));
  try {
    await lay(folder);
    return execFileSync('tar', ['-c', '-C', folder, '--owner=0', '--group=0', '.'], { maxBuffer: 2 ** 26 });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function layTexts(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

/** A template without Debian: what is ours in it. */
async function layTemplate(folder: string, definition: Definition): Promise<void> {
  await layTexts(folder, {
    'usr/lib/os-release': 'ID=debian\n',
    'sbin/init': '',
    'etc/machine-id': '',
    'var/lib/haproxy/server-state': '',
    'var/lib/redis/.keep': '',
    'var/lib/postgresql/15/.keep': '',
  });
  for (let at: Definition | null = definition; at; at = at.parent)
    for (const { path, source, executable } of at.files) {
      // A fake lab leaves Node out, which is large.
      if (path.startsWith('/opt/psa/node/')) continue;
      await mkdir(join(folder, path, '..'), { recursive: true });
      await copyFile(source, join(folder, path));
      if (executable) await chmod(join(folder, path), 0o755);
    }
}

/** Puts the archive of a release into the folder. `more`: files of it beside, by their path. */
export async function makeRelease(
  folder: string,
  version: string,
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  const main = `console.log(${JSON.stringify(version)});\n`;
  const named = { VERSION: `${version}\n`, 'migrate/main.mjs': main, ...more };
  const sums = Object.entries(named).map(
    ([name, text]) => `${createHash('sha256').update(text).digest('hex')}  ${name}\n`,
  );
  await mkdir(folder, { recursive: true });
  const tar = await tarOf((place) => layTexts(place, { ...named, SHA256SUMS: sums.join('') }));
  const file = join(folder, `psa-platform-${version}.tar.zst`);
  await writeFile(file, zstdCompressSync(tar));
  await signFile(file);
}

/** Fewer members of what runs several times in any case. */
const smaller = (text: string) =>
  text
    .replace(/(name: (?:gateway|auth|search), replicas:) 2/g, '$1 1')
    .replace(/(rabbitmq|redis): \{ members: 3 \}/g, '$1: { members: 1 }');

/** @param options `small`: one replica of what a test does not look at; `backupServers`: storages of type pbs that it has, too */
export async function fakeLab(
  options: { readonly small?: boolean; readonly backupServers?: readonly string[] } = {},
): Promise<FakeLab> {
  const base = await mkdtemp(join(tmpdir(), 'psa-fake-lab-'));
  const dir = join(base, 'lab');
  const releases = join(base, 'releases');
  await makeRelease(releases, '0.1.0');
  const templates = join(dir, 'dist/templates');
  await mkdir(templates, { recursive: true });
  for (const definition of loadDefinitions()) {
    const tar = await tarOf((place) => layTemplate(place, definition));
    await putTemplate(templates, definition.name, zstdCompressSync(tar));
  }
  await labUp({
    ...{ dir, name: `psa${randomBytes(3).toString('hex')}`, runtime: 'fake', timeFactor: 0.05 },
    loopback: `127.${randomInt(130, 200)}.${randomInt(1, 250)}`,
    ...{ apiPort: await freePort(), sshPort: await freePort(), portalPort: await freePort() },
    release: { version: '0.1.0', directory: releases },
    ...(options.backupServers && { backupServers: options.backupServers }),
  });
  const inventory = join(dir, 'appliance.yaml');
  if (options.small) await writeFile(inventory, smaller(await readFile(inventory, 'utf8')));
  const env = { HOME: base, PSA_LAB_DIR: dir, PSA_INVENTORY: inventory };
  const io = { env, cwd: base } as never as Parameters<typeof openSite>[0]['io'];
  const site = await openSite({ options: {}, io });
  const killed = async (argv: readonly string[], isTime: () => boolean) => {
    const main = new URL('./main.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, [main, ...argv], {
      ...{ cwd: base, env: { ...process.env, ...env }, stdio: 'ignore' },
    });
    const timer = setInterval(() => isTime() && child.kill('SIGKILL'), 10);
    const signal = await new Promise<string | null>((resolve) => child.once('exit', (_, by) => resolve(by)));
    clearInterval(timer);
    return signal === 'SIGKILL';
  };
  const psactl = (...argv: string[]) => runCli(argv, env, { cwd: base });
  return {
    ...{ dir, inventory, site, psactl },
    open: (name) => openSite({ options: { site: name }, io } as never),
    async json<T>(code: number, ...argv: string[]) {
      const ran = await psactl(...argv, '--json');
      expect(ran.code, ran.stdout + ran.stderr).toBe(code);
      return JSON.parse(ran.stdout) as T;
    },
    killed(afterMs, ...argv) {
      const end = performance.now() + afterMs;
      return killed(argv, () => performance.now() >= end);
    },
    killedAt(lines, ...argv) {
      const most = readJournal(site.folder).length + lines;
      return killed(argv, () => readJournal(site.folder).length >= most);
    },
    killedWhen(isTime, ...argv) {
      let isNow = false;
      const look = async () => {
        while (!isNow) isNow = await isTime();
      };
      const looking = look();
      return killed(argv, () => isNow).finally(() => {
        isNow = true;
        return looking;
      });
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

/** The same, small, with the appliance on it and a backup of everything. */
export async function backedUpLab(): Promise<{ lab: FakeLab; run: RunResult }> {
  const lab = await fakeLab({ small: true });
  const ran = await lab.psactl('apply', '--yes');
  if (ran.code !== 0) throw new Error(ran.stderr + ran.stdout.split('\n').slice(-12).join('\n'));
  const { data: run } = await lab.json<{ data: RunResult }>(0, 'backup', 'run', '--tier', 'son');
  return { lab, run };
}
