import { readFile, writeFile } from 'node:fs/promises';

/**
 * What the kernel counts per user of the machine. All unprivileged containers are one user to it, and each runs a
 * systemd: with Debian's values the second dozen of them would not boot. Proxmox VE raises the same ones.
 */
const LEAST: readonly (readonly [file: string, least: number])[] = [
  ['fs/inotify/max_user_instances', 65_536],
  ['fs/inotify/max_user_watches', 1_048_576],
  ['fs/inotify/max_queued_events', 65_536],
  ['kernel/keys/maxkeys', 10_000],
  ['kernel/keys/maxbytes', 2_000_000],
];

/** Raises what is lower; nothing is ever lowered. */
export async function raiseKernelLimits(): Promise<void> {
  for (const [file, least] of LEAST) {
    const path = `/proc/sys/${file}`;
    const now = Number(await readFile(path, 'utf8').catch(() => Number.NaN));
    // Where the kernel lacks it or keeps it from us, the containers show what is missing.
    if (now < least) await writeFile(path, String(least)).catch(() => {});
  }
}
