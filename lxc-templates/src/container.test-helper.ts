import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, lchown, lstat, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tempDir } from '@psa/test-kit/temp-dir';
import { type Ran, runWith } from './scripts.test-helper.ts';

const SHIFT = 100_000;

/** A container that runs. */
export interface RunningContainer {
  /** Runs a shell script in it. */
  run(script: string, stdin?: Buffer | string, env?: Record<string, string>): Promise<Ran>;
  stop(): Promise<void>;
}

/**
 * Boots an archive as an unprivileged container with systemd, without network, as Proxmox VE does with nesting.
 * @param without paths that are taken out of it before
 */
export async function boot(archive: string, without: readonly string[] = []): Promise<RunningContainer> {
  const folder = await tempDir('container');
  const name = `psat-${randomBytes(4).toString('hex')}`;
  const rootfs = join(folder.path, name, 'rootfs');
  const lxc = (program: string, ...args: string[]) =>
    execFileSync(program, ['-P', folder.path, '-n', name, ...args], { stdio: 'pipe' });
  const stop = async () => {
    try {
      lxc('lxc-stop', '--kill');
    } catch {
      // It does not run.
    }
    await folder.remove();
  };
  try {
    await mkdir(rootfs, { recursive: true });
    await chmod(folder.path, 0o711);
    execFileSync('tar', ['--zstd', '-xpf', archive, '-C', rootfs, '--numeric-owner']);
    // As Proxmox VE does with what it makes from a template: the boot is that of a new machine.
    for (const path of ['/etc/machine-id', ...without]) await rm(join(rootfs, path));
    await shift(rootfs);
    const config = join(folder.path, name, 'config');
    await writeFile(
      config,
      `lxc.uts.name = ${name}
lxc.rootfs.path = dir:${rootfs}
lxc.include = /usr/share/lxc/config/common.conf
lxc.include = /usr/share/lxc/config/userns.conf
lxc.idmap = u 0 ${SHIFT} 65536
lxc.idmap = g 0 ${SHIFT} 65536
lxc.mount.entry = proc dev/.lxc/proc proc create=dir,optional 0 0
lxc.mount.entry = sys dev/.lxc/sys sysfs create=dir,optional 0 0
lxc.apparmor.profile = unconfined
lxc.cap.drop = mac_admin mac_override sys_time sys_module sys_rawio
lxc.tty.max = 0
lxc.net.0.type = empty
`,
    );
    lxc('lxc-start', '-f', config, '-d');
    const run: RunningContainer['run'] = (script, stdin, env = {}) =>
      runWith(
        'lxc-attach',
        ['-P', folder.path, '-n', name, '--clear-env', '--', '/usr/bin/env', ...set(env), 'sh', '-c', script],
        {
          ...(stdin !== undefined && { stdin }),
        },
      );
    const until = Date.now() + 60_000;
    const isUp = async () =>
      /^(running|degraded)$/m.test((await run('systemctl is-system-running --wait')).stdout);
    while (!(await isUp())) {
      if (Date.now() > until) throw new Error(`${name} did not come up`);
      await sleep(200);
    }
    return { run, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const set = (env: Record<string, string>) => [
  // As `pct exec` has it.
  'PATH=/sbin:/bin:/usr/sbin:/usr/bin',
  ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
];

/** Gives every file to the id that stands for its owner inside. */
async function shift(path: string): Promise<void> {
  const { uid, gid, mode } = await lstat(path);
  const [folder, link] = [(mode & 0o170000) === 0o040000, (mode & 0o170000) === 0o120000];
  await lchown(path, uid + SHIFT, gid + SHIFT);
  // Changing the owner takes setuid and setgid away.
  if (!link && (mode & 0o6000) !== 0) await chmod(path, mode & 0o7777);
  if (folder) for (const name of await readdir(path)) await shift(join(path, name));
}
