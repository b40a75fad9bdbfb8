import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { verifySum } from '@psa/recovery/artefact';
import { parseArtefactFile } from '@psa/recovery/artefact-name';
import { NewerManifestError, readManifest, type SiteManifest } from '@psa/recovery/manifest';
import { nearestFolder } from '@psa/recovery/nearest-folder';
import { unseal } from '@psa/recovery/sealed';
import { unpack } from '@psa/recovery/tar';
import { CliError } from '../errors.ts';
import { recoveryError } from '../recovery-error.ts';

/** Kinds that are unpacked into a folder. */
export const UNPACKED = ['configs', 'secrets', 'rabbitmq', 'releases'] as const;
type Unpacked = (typeof UNPACKED)[number];

/** What a restore of files will do. */
export interface ConfigPlan {
  readonly backup: string;
  readonly kind: Unpacked;
  readonly at: string;
  readonly site: string;
  readonly file: string;
  readonly to: string;
}

/** What came of it. */
export interface ConfigRestored extends ConfigPlan {
  /** What stands in the folder now, its first level. */
  readonly names: readonly string[];
}

/** The manifest of an artefact's file, which needs no cluster: that may be what is lost. */
export async function manifestOfFile(file: string): Promise<SiteManifest> {
  const manifest = await readManifest(file).catch((error: Error) => {
    if (error instanceof NewerManifestError) throw recoveryError(error);
    throw new CliError(`Unable to restore ${file}: its manifest is damaged.`, { why: error.message });
  });
  if (manifest && manifest.kind !== 'embedded') return manifest;
  throw new CliError(`Unable to restore ${file}: it has no manifest of a site's backup beside it.`, {
    outcome: 'not_found',
    fix: 'Copy the .json that stands beside it, too.',
  });
}

/** @throws CliError when it is of another kind, the folder is not empty, there is no key, or too little room */
export async function planConfig(
  file: string,
  manifest: SiteManifest,
  to: string,
  identity: string | null,
): Promise<ConfigPlan> {
  const kind = UNPACKED.find((one) => one === manifest.kind);
  if (!kind)
    throw new CliError(`Unable to unpack ${manifest.id}: it is no file to look into.`, {
      outcome: 'usage',
      fix: 'Restore it with "psactl restore database", "redis" or "container".',
    });
  if (parseArtefactFile(basename(file))?.id !== manifest.id)
    throw new CliError(`Unable to restore ${file}: its manifest is that of ${manifest.id}.`);
  if (existsSync(to) && (await readdir(to)).length > 0)
    throw new CliError(`Unable to restore to ${to}: it is not empty.`, {
      fix: 'Name another folder with --to.',
    });
  if (manifest.recipients.length > 0 && identity === null)
    throw new CliError('Unable to open a backup without its key.', {
      fix: 'Name its file: PSA_BACKUP_KEY=…, or put it where backup.encryption_key_file of the inventory says.',
      code: 'NO_KEY',
    });
  const { bavail, bsize } = await statfs(nearestFolder(dirname(to)));
  const needed = (manifest.content_bytes ?? manifest.bytes) + 1024 ** 2;
  if (bavail * bsize < needed)
    throw new CliError(`Unable to restore to ${to}: there is too little room.`, {
      why: `It takes ${Math.ceil(needed / 1024 ** 2)} MiB, and ${Math.floor((bavail * bsize) / 1024 ** 2)} MiB are free.`,
    });
  return { backup: manifest.id, kind, at: manifest.at, site: manifest.site, file, to };
}

/** Unpacks it beside the folder; it has its name when all of it is there. */
export async function restoreConfig(
  plan: ConfigPlan,
  manifest: SiteManifest,
  identity: string | null,
): Promise<ConfigRestored> {
  const { file, to, kind } = plan;
  await mkdir(dirname(to), { recursive: true });
  const place = await mkdtemp(join(dirname(to), '.psa-restoring-'));
  try {
    await verifySum(file, manifest);
    if (kind === 'releases') await unpack(createReadStream(file), place);
    else
      await unseal(file, identity!, async (content) => {
        if (kind === 'rabbitmq')
          await pipeline(content, createWriteStream(join(place, 'definitions.json'), { mode: 0o600 }));
        else await unpack(content, place);
      });
    // An empty folder gives way to it.
    await rename(place, to);
    return { ...plan, names: (await readdir(to)).sort() };
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}
