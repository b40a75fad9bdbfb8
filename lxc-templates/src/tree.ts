import { chmod, chown, copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { forbidden } from './contents-rules.ts';
import type { Definition, TemplateFile } from './definition.ts';
import { PRESET, presetOf } from './preset.ts';
import { run } from './run.ts';

/** Lays files into a tree: root's, readable by all, and what can be run can be run. */
export async function lay(tree: string, files: readonly TemplateFile[]): Promise<void> {
  for (const { path, source, executable } of files) {
    const target = join(tree, path);
    await mkdir(dirname(target), { recursive: true, mode: 0o755 });
    await copyFile(source, target);
    await chmod(target, executable ? 0o755 : 0o644);
    await chown(target, 0, 0);
  }
}

/** Runs the template's own script inside the tree, and sets its units: those of now, and those of a first boot. */
export async function finish(tree: string, definition: Definition, signal?: AbortSignal): Promise<void> {
  const inside = (...command: string[]) =>
    run('chroot', [tree, ...command], {
      signal,
      cleanEnvironment: true,
      env: {
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
        LC_ALL: 'C.UTF-8',
        SOURCE_DATE_EPOCH: String(definition.epoch),
      },
    });
  if (definition.finish !== null) {
    const script = join(tree, 'tmp/finish.sh');
    await copyFile(definition.finish, script);
    await inside('/bin/sh', '/tmp/finish.sh');
    await rm(script);
  }
  await mkdir(dirname(join(tree, PRESET)), { recursive: true, mode: 0o755 });
  await writeFile(join(tree, PRESET), presetOf(definition), { mode: 0o644 });
  for (const verb of ['disable', 'enable', 'mask'] as const) {
    const units = definition.units?.[verb] ?? [];
    if (units.length > 0) await inside('systemctl', '--quiet', verb, ...units);
  }
}

/**
 * Takes out of the tree what its containers may not share, what differs from build to build, and what nobody reads
 * there. What stays is the same for the same packages and files.
 */
export async function clean(tree: string, epoch: number): Promise<void> {
  const walk = async (folder: string): Promise<void> => {
    for (const entry of await readdir(join(tree, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      const kind = entry.isDirectory() ? 'folder' : entry.isSymbolicLink() ? 'link' : 'file';
      // Its size does not matter here: machine-id is emptied below.
      if (forbidden(path, kind, 0) !== null) await rm(join(tree, path), { recursive: true, force: true });
      else if (kind === 'folder') await walk(path);
    }
  };
  await walk('');
  await run('find', [join(tree, 'usr/share/doc'), '-mindepth', '1', '-type', 'd', '-empty', '-delete']);
  // Empty, not absent: where nobody takes it away, as Proxmox VE does, the boot is none of a new machine.
  await rm(join(tree, 'etc/machine-id'), { force: true });
  await writeFile(join(tree, 'etc/machine-id'), '', { mode: 0o444 });
  // Days since 1970 of the last change of a password: the day of the build.
  const shadow = join(tree, 'etc/shadow');
  const day = Math.floor(epoch / 86_400);
  const lines = (await readFile(shadow, 'utf8')).split('\n');
  await writeFile(shadow, lines.map((line) => line.replace(/^([^:]*:[^:]*:)\d+:/, `$1${day}:`)).join('\n'));
  // Without these the first boot looks for what an update of /usr asks for: catalogues, library caches.
  for (const path of ['etc/.updated', 'var/.updated']) await writeFile(join(tree, path), '');
}
