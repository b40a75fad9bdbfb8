import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Call, Container, Program } from './program.ts';

const MANIFEST = '/etc/psa/manifest';
const UNITS = '/etc/psa/units';
const DIGEST = '/etc/psa/digest';

/** A line of the manifest: checksum, mode, owner, path. */
type Entry = readonly [sum: string, mode: string, owner: string, path: string];
type Unit = readonly [name: string, action: string, paths: string];

/** What the templates bring along, and systemd: as their scripts do it, without the processes. */
export const APPLIANCE_PROGRAMS: Readonly<Record<string, Program>> = {
  'psa-config': (call) => {
    if (call.argv[1] === 'check') return check(call);
    if (call.argv[1] === 'apply') return inFolder(call, tmpdir(), (folder) => apply(call, folder));
    call.err('Usage: psa-config apply < TAR | psa-config check\n');
    return 2;
  },
  'psa-release': (call) => release(call),
  systemctl: (call) => systemctl(call),
};

/** Runs with a folder on the machine that is removed afterwards. */
async function inFolder(
  call: Call,
  parent: string,
  act: (folder: string) => Promise<number>,
): Promise<number> {
  const folder = mkdtempSync(join(parent, '.in.'));
  try {
    return await act(folder);
  } catch (error) {
    call.err(`${call.argv[0]}: Unable to ${call.argv[1]}: ${(error as Error).message}\n`);
    return 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const sha256 = (content: Buffer | string) => createHash('sha256').update(content).digest('hex');
const linesOf = <T extends readonly string[]>(text: string) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t') as unknown as T);
const textIn = (box: Container, path: string) => (box.exists(path) ? box.read(path).toString() : '');

/** Owners are told, not kept: a fake container's files belong to whoever runs the lab. */
function isAsWanted(box: Container, [sum, mode, , path]: Entry): boolean {
  if (!box.exists(path)) return false;
  const found = lstatSync(box.resolve(path));
  return (
    found.isFile() && (found.mode & 0o777) === Number.parseInt(mode, 8) && sha256(box.read(path)) === sum
  );
}

async function apply(call: Call, folder: string): Promise<number> {
  const { box } = call;
  await untar(folder, call.input.rest());
  const [manifest, units] = ['manifest', 'units'].map((name) => readFileSync(join(folder, name), 'utf8')) as [
    string,
    string,
  ];
  const tell = (line: string) => call.out(Buffer.from(`${line}\n`));
  const entries = linesOf<Entry>(manifest);
  const before = linesOf<Entry>(textIn(box, MANIFEST));
  const changed = new Set<string>();
  for (const entry of entries) {
    const [sum, mode, , path] = entry;
    const content = readFileSync(join(folder, 'files', path));
    if (sha256(content) !== sum) throw new Error(`its checksum is not that of the manifest: ${path}`);
    if (isAsWanted(box, entry)) continue;
    box.remove(DIGEST);
    box.write(path, content, Number.parseInt(mode, 8));
    changed.add(path);
    tell(`installed ${path}`);
  }
  for (const [, , , path] of before) {
    if (entries.some((entry) => entry[3] === path)) continue;
    box.remove(path);
    changed.add(path);
    tell(`removed ${path}`);
  }
  applyUnits(box, linesOf<Unit>(units), linesOf<Unit>(textIn(box, UNITS)), changed, tell);
  box.write(MANIFEST, Buffer.from(manifest));
  box.write(UNITS, Buffer.from(units));
  box.write(DIGEST, Buffer.from(`${sha256(manifest + units)}\n`));
  return 0;
}

function applyUnits(
  box: Container,
  units: readonly Unit[],
  before: readonly Unit[],
  changed: ReadonlySet<string>,
  tell: (line: string) => void,
): void {
  for (const [name] of before) {
    if (units.some((unit) => unit[0] === name)) continue;
    box.setEnabled(name, false);
    box.setUnit(name, 'inactive');
    tell(`stopped ${name}`);
  }
  for (const [name, action, paths] of units) {
    box.setEnabled(name, true);
    if (box.units[name] !== 'active') {
      box.setUnit(name, 'active');
      tell(`started ${name}`);
    } else if (paths.split(' ').some((path) => changed.has(path)))
      tell(`${action === 'reload' ? 'reloaded' : 'restarted'} ${name}`);
  }
}

function check({ box, out }: Call): number {
  const lines = [`digest ${textIn(box, DIGEST).trim() || 'none'}`];
  for (const entry of linesOf<Entry>(textIn(box, MANIFEST)))
    if (!box.exists(entry[3])) lines.push(`missing ${entry[3]}`);
    else if (!isAsWanted(box, entry)) lines.push(`changed ${entry[3]}`);
  for (const [name] of linesOf<Unit>(textIn(box, UNITS)))
    lines.push(`unit ${name} ${box.units[name] ?? 'inactive'}`);
  out(Buffer.from(`${lines.join('\n')}\n`));
  return 0;
}

const OPT = '/opt/psa';

/** The release that a container runs; null: none. */
export function currentRelease(box: Container): string | null {
  const link = join(box.rootfs, OPT, 'current');
  try {
    return readlinkSync(link).split('/').at(-1) ?? null;
  } catch {
    return null;
  }
}

function release(call: Call): number | Promise<number> {
  const { box, argv, err } = call;
  const [, verb, version = ''] = argv;
  const folder = join(box.resolve('/'), OPT, 'releases');
  const tell = (line: string) => call.out(Buffer.from(`${line}\n`));
  mkdirSync(folder, { recursive: true });
  const all = () =>
    readdirSync(folder)
      .filter((name) => !name.startsWith('.'))
      .sort((a, b) => lstatSync(join(folder, a)).mtimeMs - lstatSync(join(folder, b)).mtimeMs);
  if (verb === 'current') tell(currentRelease(box) ?? 'none');
  else if (verb === 'list') for (const name of all()) tell(name);
  else if (verb === 'prune') {
    for (const name of all().slice(0, -Number(version)))
      if (name !== currentRelease(box)) {
        rmSync(join(folder, name), { recursive: true });
        tell(`removed ${name}`);
      }
  } else if (verb === 'switch') {
    if (!existsSync(join(folder, version, 'SHA256SUMS'))) {
      err(`psa-release: Unable to switch to ${version}: it is not installed here.\n`);
      return 1;
    }
    if (currentRelease(box) === version) return 0;
    const draft = join(folder, '..', `.current.${process.pid}`);
    symlinkSync(`releases/${version}`, draft);
    renameSync(draft, join(folder, '..', 'current'));
    tell(`switched ${version}`);
  } else if (verb === 'install') {
    if (all().includes(version)) tell(`there ${version}`);
    else return inFolder(call, folder, (draft) => install(call, draft, join(folder, version), version));
  } else {
    err('Usage: psa-release install VERSION < ARCHIVE | switch VERSION | current | list | prune KEEP\n');
    return 2;
  }
  return 0;
}

async function install(call: Call, draft: string, target: string, version: string): Promise<number> {
  const content = join(draft, 'content');
  mkdirSync(content);
  await untar(content, call.input.rest());
  for (const line of readFileSync(join(content, 'SHA256SUMS'), 'utf8').split('\n').filter(Boolean)) {
    const [, sum, name] = /^(\w+) [ *](.+)$/.exec(line) ?? [];
    if (name === undefined || sha256(await readFile(join(content, name))) !== sum)
      throw new Error(`the files of ${version} are not those of its SHA256SUMS`);
  }
  if (readFileSync(join(content, 'VERSION'), 'utf8').trim() !== version)
    throw new Error(`the archive is not ${version}`);
  renameSync(content, target);
  utimesSync(target, new Date(), new Date());
  call.out(Buffer.from(`installed ${version}\n`));
  return 0;
}

/** By the machine's tar, while others go on. */
async function untar(folder: string, archive: Buffer): Promise<void> {
  const zstd = archive.length >= 4 && archive.readUInt32LE(0) === 0xfd2fb528 ? ['--zstd'] : [];
  const child = spawn('tar', ['-x', ...zstd, '-f', '-', '-C', folder, '--no-same-owner'], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const said = text(child.stderr);
  const ended = once(child, 'close');
  child.stdin.on('error', () => {});
  child.stdin.end(archive);
  const [code] = (await ended) as [number | null];
  if (code !== 0) throw new Error((await said).trim() || `tar ended with ${code}`);
}

function systemctl({ argv, box, out }: Call): number {
  const flags = argv.slice(1).filter((one) => one.startsWith('-'));
  const [verb = '', ...names] = argv.slice(1).filter((one) => !one.startsWith('-'));
  const quiet = flags.some((flag) => flag === '--quiet' || flag === '-q');
  const units = names.map((name) => (name.includes('.') ? name : `${name}.service`));
  const tell = (line: string) => !quiet && out(Buffer.from(`${line}\n`));
  const failed = Object.keys(box.units).filter((name) => box.units[name] === 'failed');
  switch (verb) {
    case 'is-system-running':
      tell(failed.length > 0 ? 'degraded' : 'running');
      return failed.length > 0 ? 1 : 0;
    case 'is-active':
      for (const name of units) tell(box.units[name] ?? 'inactive');
      return units.every((name) => box.units[name] === 'active') ? 0 : 3;
    case 'is-failed':
      for (const name of units) tell(box.units[name] ?? 'inactive');
      return units.some((name) => box.units[name] === 'failed') ? 0 : 1;
    case 'is-enabled':
      for (const name of units) tell(box.isEnabled(name) ? 'enabled' : 'disabled');
      return units.every((name) => box.isEnabled(name)) ? 0 : 1;
    case 'start':
    case 'restart':
    case 'reload-or-restart':
      for (const name of units) box.setUnit(name, 'active');
      return 0;
    case 'stop':
    case 'kill':
      for (const name of units) box.setUnit(name, 'inactive');
      return 0;
    case 'enable':
    case 'disable':
      for (const name of units) {
        box.setEnabled(name, verb === 'enable');
        if (flags.includes('--now')) box.setUnit(name, verb === 'enable' ? 'active' : 'inactive');
      }
      return 0;
    default:
      // What is left changes nothing here: daemon-reload, reset-failed, try-restart, reload.
      if (flags.includes('--failed')) for (const name of failed) tell(`${name} loaded failed failed`);
      return 0;
  }
}
