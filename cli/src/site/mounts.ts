import { readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { nearestFolder } from '@psa/recovery/nearest-folder';
import { CliError } from '../errors.ts';
import { siteNameOf } from './generations.ts';
import type { KnownSite } from './site.ts';

/** In the folder of a site: on which mounted file system each folder for backups stood when this machine last wrote there. */
export const MOUNTS_FILE = 'mounts.json';

/** By folder the mount point. */
type Mounts = Readonly<Record<string, string>>;

/** Where the file system is mounted that a path is on, or would be: `/mnt/nas`, `/`. */
export async function mountOf(path: string): Promise<string> {
  // Looking at it mounts what is mounted on demand.
  await stat(path).catch(() => {});
  const real = await realpath(nearestFolder(path));
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  const points = table.split('\n').flatMap((line) => {
    const point = line.split(' ')[4];
    return point === undefined
      ? []
      : [point.replaceAll(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)))];
  });
  const holding = points.filter((point) => point === '/' || real === point || real.startsWith(`${point}/`));
  return holding.reduce((longest, point) => (point.length > longest.length ? point : longest), '/');
}

async function readMounts(known: Pick<KnownSite, 'folder'>): Promise<Mounts> {
  try {
    return JSON.parse(await readFile(known.folder.file(MOUNTS_FILE), 'utf8')) as Mounts;
  } catch {
    // None was written, or one that was cut off: as if nothing were known.
    return {};
  }
}

/**
 * Sees that a folder for backups is where it was. A share that is not mounted leaves an empty folder, and what is written there
 * is on this machine's own disk: it fills that, the others do not see it, and it is gone from sight once the share is back.
 * `mounted: true` in the inventory says so from the first run on; without it what was mounted the last time must be now.
 * @throws CliError when nothing is mounted there
 */
export async function needMounted(known: KnownSite, folder: string): Promise<void> {
  const now = await mountOf(folder);
  const before = (await readMounts(known))[folder];
  const isSaid = known.inventory.backup.tiers.some(
    (tier) => tier.mounted && tier.folder !== undefined && known.path(tier.folder) === folder,
  );
  // Below a disk of its own that holds this site's folder as well there is no share.
  const isShare = now !== '/' && now !== (await mountOf(known.folder.path));
  if (before !== undefined ? now === before : !isSaid || isShare) return;
  throw new CliError(`Unable to use ${folder} for backups: its share is not mounted.`, {
    why:
      before === undefined
        ? `The inventory says "mounted: true" of it, and it is on the disk of ${now}.`
        : `It was on ${before} when ${siteNameOf(known)} was last backed up from here, and is on the disk of ${now} now.`,
    fix:
      before === undefined
        ? `Mount it (mount ${dirname(folder)}, or what /etc/fstab has for it), then run this again.`
        : `Mount ${before}, then run this again. If it has moved for good, remove ${known.folder.file(MOUNTS_FILE)}.`,
    code: 'NOT_MOUNTED',
  });
}

/** Remembers where a folder is that was written to. */
export async function noteMounted(known: KnownSite, folder: string): Promise<void> {
  const [now, all] = [await mountOf(folder), await readMounts(known)];
  if (now === '/' || all[folder] === now) return;
  await known.folder.make();
  // For its own machine alone, and made anew by the next run.
  await writeFile(known.folder.file(MOUNTS_FILE), `${JSON.stringify({ ...all, [folder]: now }, null, 2)}\n`, {
    mode: 0o600,
  });
}
