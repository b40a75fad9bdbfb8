import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { artefactFile } from '@psa/recovery/artefact-name';
import { CliError } from '../errors.ts';
import { manifestOfFile, planConfig, restoreConfig } from '../restore/config.ts';
import { readDrState } from '../site/dr-state.ts';
import { type SecretRecord, SiteFolder } from '../site/folder.ts';
import type { KnownSite } from '../site/site.ts';

/** Of a site's folder, what belongs to the appliance and not to the cluster that it stands on. */
export const CARRIED = ['releases.json', 'certs'] as const;

/**
 * Takes over the secrets of another site, its certificates and what was deployed there, and the releases where they are
 * missing. Run again, it does the same.
 * @param folder where the copies are
 * @returns the number of the failover since which the other site served
 * @throws CliError when this site holds data under other secrets
 */
export async function takeSecrets(
  to: KnownSite,
  folder: string,
  ids: { readonly secrets: string; readonly releases?: string },
  identity: string | null,
): Promise<number> {
  const place = to.folder.file('dr-taken');
  await rm(place, { recursive: true, force: true });
  try {
    await open(join(folder, artefactFile(ids.secrets)), join(place, 'secrets'), identity);
    const given = new SiteFolder(join(place, 'secrets/site'));
    const theirs = await given.secrets();
    const ours = await to.folder.secrets();
    refuseOther(to, ours, theirs);
    for (const name of CARRIED)
      if (existsSync(given.file(name))) {
        await rm(to.folder.file(name), { recursive: true, force: true });
        await mkdir(to.folder.path, { recursive: true, mode: 0o700 });
        await cp(given.file(name), to.folder.file(name), { recursive: true });
      }
    await to.folder.writeSecrets(theirs);
    if (ids.releases !== undefined) await takeReleases(to, join(folder, artefactFile(ids.releases)), place);
    return (await readDrState(given)).epoch;
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

async function open(file: string, to: string, identity: string | null): Promise<void> {
  const manifest = await manifestOfFile(file);
  await restoreConfig(await planConfig(file, manifest, to, identity), manifest, identity);
}

/** Archives that are there are signed and checked before they are used, so these stay. */
async function takeReleases(to: KnownSite, file: string, place: string): Promise<void> {
  await open(file, join(place, 'releases'), null);
  const at = to.path(to.inventory.releases.directory);
  await mkdir(at, { recursive: true });
  for (const name of await readdir(join(place, 'releases')))
    if (!existsSync(join(at, name))) {
      const draft = join(at, `.${name}.new`);
      await cp(join(place, 'releases', name), draft);
      await rename(draft, join(at, name));
    }
}

/** The certificate that the edge of a site was given. @throws CliError when it has none */
export async function edgeOf({ folder }: KnownSite): Promise<string> {
  const { tls_pem } = await folder.secrets();
  if (tls_pem) return tls_pem;
  throw new CliError(`Unable to ask the edge: ${folder.file('secrets.json')} has no certificate.`);
}

/** @throws CliError when a site holds data under other secrets than these */
export const refuseOtherSecrets = async (to: KnownSite, theirs: SecretRecord): Promise<void> =>
  refuseOther(to, await to.folder.secrets(), theirs);

function refuseOther(to: KnownSite, ours: SecretRecord, theirs: SecretRecord): void {
  if (!ours.postgres_superuser || ours.postgres_superuser === theirs.postgres_superuser) return;
  throw new CliError(`Unable to take over the secrets of the other site: ${to.site.name} has others.`, {
    why: 'An appliance was built there by itself; its database would not open to these.',
    fix: `Take it away (psactl destroy --site ${to.site.name}), move ${to.folder.file('secrets.json')} aside, then run this again.`,
  });
}

/** Carries secrets, certificates and releases from one site's folder to the other's, on the machine that has both. */
export async function carrySecrets(from: KnownSite, to: KnownSite): Promise<void> {
  const theirs = await from.folder.secrets();
  for (const name of CARRIED)
    if (existsSync(from.folder.file(name))) {
      await rm(to.folder.file(name), { recursive: true, force: true });
      await cp(from.folder.file(name), to.folder.file(name), { recursive: true });
    }
  await to.folder.writeSecrets(theirs);
}
