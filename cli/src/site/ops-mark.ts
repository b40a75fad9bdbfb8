import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { carriedFacts } from '@psa/appliance/inventory/carried-inventory';
import { byRelease } from '@psa/appliance/inventory/release-version';
import { type OpsMark, scheduleReason } from '@psa/appliance/plan/ops-mark';
import { renderTimers } from '@psa/appliance/render/timers';
import type { Cluster } from './cluster.ts';
import { type Deployed, readDeployed } from './deployed.ts';
import { lookInto } from './look.ts';
import type { KnownSite } from './site.ts';

/** The file in the site's folder that says that its backups run by the clock from here. */
export const SCHEDULED = 'scheduled';

/** The release whose psactl runs by the clock: the newest that services run. */
export const opsRelease = ({ inventory }: Pick<KnownSite, 'inventory'>, deployed: Deployed): string =>
  Object.values(deployed).sort(byRelease).at(-1) ?? inventory.releases.version;

/**
 * What the container `ops` should have, of what follows from inventory, releases and secrets. Token and ssh key are not in
 * it: they are those of whoever put them there, and two people would else replace each other's for ever.
 */
export async function opsMark(known: KnownSite, deployed: Deployed): Promise<OpsMark> {
  const { inventory, site, folder, file } = known;
  const release = opsRelease(known, deployed);
  const releases = [...new Set([...Object.values(deployed), inventory.releases.version])].sort();
  const units = renderTimers(inventory, site).filter(({ path }) => path.startsWith('systemd/'));
  const secrets = Object.entries(await folder.secrets()).sort();
  const facts = carriedFacts(await readFile(file, 'utf8'));
  const all = [release, releases, units, secrets, facts];
  return { release, digest: createHash('sha256').update(JSON.stringify(all)).digest('hex') };
}

/** For a plan: what should be there, and whether it was put there from this machine; null without such a container. */
export async function wantedSchedule(
  known: KnownSite,
): Promise<{ readonly mark: OpsMark; readonly isKnown: boolean } | null> {
  if (!known.containers.some(({ group }) => group === 'ops')) return null;
  const mark = await opsMark(known, await readDeployed(known.folder.path));
  return { mark, isKnown: existsSync(known.folder.file(SCHEDULED)) };
}

/** What is to be put into the container that runs by the clock, and why. */
export interface OpsChange {
  readonly container: string;
  /** Of the psactl that comes. */
  readonly release: string;
  readonly reason: string;
}

/**
 * What of it a rollout to these releases leaves behind; null when nothing: it is there, nobody has put psactl there, or it
 * does not run and cannot be asked (the next `psactl apply` does).
 */
export async function opsChange(cluster: Cluster, deployed: Deployed): Promise<OpsChange | null> {
  const [placed] = await cluster.placed('ops');
  if (!placed || placed.node === null || placed.state !== 'running') return null;
  const { container, node } = placed;
  const { seen } = await lookInto(cluster, [{ container, node }]);
  const mark = await opsMark(cluster.site, deployed);
  const reason = scheduleReason(seen.get(container.id)?.inside.ops ?? null, mark);
  return reason === null ? null : { container: container.name, release: mark.release, reason };
}
