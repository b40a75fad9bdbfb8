import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';

export const TEMPLATES = join(import.meta.dirname, '../templates');
export const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest('hex');

/** What a run left. */
export interface Ran {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program with something to read. */
export async function runWith(
  program: string,
  args: readonly string[],
  options: { env?: Record<string, string>; stdin?: string | Buffer; cwd?: string } = {},
): Promise<Ran> {
  const child = spawn(program, args, { env: options.env ?? process.env, cwd: options.cwd });
  // A program that refuses early does not read all.
  child.stdin.on('error', () => {});
  child.stdin.end(options.stdin ?? '');
  const [stdout, stderr, code] = await Promise.all([
    buffer(child.stdout),
    buffer(child.stderr),
    new Promise<number | string>((done) =>
      child.on('close', (number, signal) => done(number ?? signal ?? '')),
    ),
  ]);
  return { code, stdout: stdout.toString(), stderr: stderr.toString() };
}

/** A file of a configuration. */
export interface WantedFile {
  readonly text: string;
  readonly mode?: string;
  readonly owner?: string;
}
export interface Wanted {
  readonly files: Readonly<Record<string, WantedFile | string>>;
  readonly units: readonly (readonly [name: string, action: string, ...paths: string[]])[];
}

/** The archive that `psa-config apply` reads, made with tar itself. */
export async function configArchive(wanted: Wanted, owner: string): Promise<{ tar: Buffer; digest: string }> {
  const folder = await tempDir('config-archive');
  try {
    let manifest = '';
    for (const [path, file] of Object.entries(wanted.files)) {
      const { text, mode = '644', owner: own = owner } = typeof file === 'string' ? { text: file } : file;
      manifest += `${sha256(text)}\t${mode}\t${own}\t${path}\n`;
      const target = join(folder.path, 'files', path);
      await mkdir(join(target, '..'), { recursive: true });
      await writeFile(target, text);
    }
    const units = wanted.units
      .map(([name, action, ...paths]) => `${name}\t${action}\t${paths.join(' ')}\n`)
      .join('');
    await mkdir(join(folder.path, 'files'), { recursive: true });
    await writeFile(join(folder.path, 'manifest'), manifest);
    await writeFile(join(folder.path, 'units'), units);
    return {
      tar: await tarOf(folder.path, ['manifest', 'units', 'files']),
      digest: sha256(manifest + units),
    };
  } finally {
    await folder.remove();
  }
}

export async function tarOf(folder: string, names: readonly string[]): Promise<Buffer> {
  const child = spawn('tar', ['-c', '-C', folder, ...names], { stdio: ['ignore', 'pipe', 'inherit'] });
  return buffer(child.stdout);
}

/**
 * A systemd that only remembers: units are files under `active` and `enabled`, what was asked stands in `calls`, units
 * that have a file under `broken` do not start.
 */
const SYSTEMCTL = `#!/bin/sh
S=$STAND_IN
verb=$1; shift
quiet=; now=
while [ $# -gt 0 ]; do case $1 in --quiet) quiet=1 ;; --now) now=1 ;; *) break ;; esac; shift; done
case $verb in is-*|reset-failed) ;; *) echo "$verb $*" >> $S/calls ;; esac
start() { rm -f "$S/failed/$1"; if [ -e "$S/broken/$1" ]; then touch "$S/failed/$1"; rm -f "$S/active/$1"; exit 1; fi; touch "$S/active/$1"; }
case $verb in
is-active) if [ -e "$S/active/$1" ]; then [ -n "$quiet" ] || echo active; exit 0; fi
  if [ -e "$S/failed/$1" ]; then state=failed; else state=inactive; fi
  [ -n "$quiet" ] || echo $state; exit 3 ;;
is-failed) [ -e "$S/failed/$1" ] ;;
is-enabled) [ -e "$S/enabled/$1" ] ;;
enable) touch "$S/enabled/$1" ;;
disable) rm -f "$S/enabled/$1"; [ -z "$now" ] || rm -f "$S/active/$1" ;;
stop) rm -f "$S/active/$1" ;;
start|restart|reload-or-restart) start "$1" ;;
reset-failed) rm -f "$S/failed/$1" ;;
daemon-reload) ;;
*) exit 1 ;;
esac
`;

/** A root folder for psa-config or psa-release, and a systemd that only remembers. */
export async function scratchRoot(script: string) {
  const folder: TempDir = await tempDir('root');
  const at = (...names: string[]) => join(folder.path, ...names);
  for (const name of ['bin', 'root', 'sd/active', 'sd/enabled', 'sd/failed', 'sd/broken'])
    await mkdir(at(name), { recursive: true });
  await writeFile(at('sd/calls'), '');
  await writeFile(at('bin/systemctl'), SYSTEMCTL);
  await writeFile(at('bin/journalctl'), '#!/bin/sh\necho "last line of the journal"\n');
  await chmod(at('bin/systemctl'), 0o755);
  await chmod(at('bin/journalctl'), 0o755);
  const env = {
    PATH: `${at('bin')}:/usr/sbin:/usr/bin:/sbin:/bin`,
    PSA_ROOT: at('root'),
    STAND_IN: at('sd'),
  };
  return {
    path: (path: string) => join(folder.path, 'root', path),
    standIn: (...names: string[]) => at('sd', ...names),
    run: (args: readonly string[], stdin?: Buffer | string, more: Record<string, string> = {}) =>
      runWith('sh', [script, ...args], { env: { ...env, ...more }, ...(stdin !== undefined && { stdin }) }),
    /** What systemd was asked since the last time. */
    async calls(): Promise<string[]> {
      const text = await readFile(at('sd/calls'), 'utf8');
      await writeFile(at('sd/calls'), '');
      return text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
    },
    remove: () => folder.remove(),
  };
}
