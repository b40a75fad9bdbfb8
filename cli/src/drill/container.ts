import type { Container } from '@psa/appliance/inventory/expand';
import type { SiteManifest } from '@psa/recovery/manifest';
import { type Comparison, compare } from '@psa/recovery/proof';
import type { Catalogued } from '../backup/catalogue.ts';
import { CliError } from '../errors.ts';
import { neededBytes } from '../restore/container.ts';
import { type Look, lookInto } from '../site/look.ts';
import { readVolume } from '../site/volume.ts';
import type { Tried } from './database.ts';
import {
  type Drilling,
  type DrillPlace,
  fromArchive,
  inPlace,
  needRoom,
  preparing,
  Untried,
} from './place.ts';

/** How long what is in a container may take until it answers: a drill has time, and its node perhaps little left. */
const PATIENCE_MS = 180_000;

/** Restores a container into isolation, boots it, and sees that what is in it is as psactl had put it there, and comes up. */
export async function drillContainer(
  drilling: Drilling,
  { id: backup, volume }: Catalogued,
  manifest: SiteManifest,
): Promise<Tried> {
  const { cluster, journal } = drilling;
  const began = performance.now();
  const target = cluster.site.containers.find(({ id }) => id === manifest.from.container);
  if (!target) throw new Untried('the inventory has no such container any more');
  if (!volume) throw new Untried('its archive is on no storage of the cluster');
  if (manifest.sha256 !== null)
    await journal.step(backup, 'read the archive', async () => {
      const { sha256 } = await readVolume(cluster, volume.node, volume.volid);
      if (sha256 !== manifest.sha256)
        throw new CliError(
          `${volume.volid} does not restore: it is not what its manifest names (another SHA-256).`,
        );
    });
  const place = await preparing(drilling, async () => {
    await needRoom(
      cluster,
      { node: volume.node, storage: target.storage },
      neededBytes(manifest.bytes, target),
    );
    return fromArchive(drilling, target, volume);
  });
  return inPlace(drilling, backup, { ...place, name: target.name, restoring: true }, async (made) => {
    const restore_ms = Math.round(performance.now() - began);
    const { look, last } = await journal.step(backup, 'see that it is well', () =>
      waitFor(drilling, target, made),
    );
    const { compared, notes } = judge(target, look, cluster.site.inventory.services);
    return { restore_ms, compared, notes: last === null ? notes : [...notes, last] };
  });
}

type Services = readonly { readonly name: string }[];

/**
 * What a restored container says of itself, beside what it must. Alone it cannot be ready: its peers, its database and its
 * quorum are behind the cable that is out. So a unit may wait for them, and must not have failed; and a service answers that it
 * lives.
 */
export function judge(
  { group }: Pick<Container, 'group'>,
  { inside }: Look,
  services: Services,
): { readonly compared: readonly Comparison[]; readonly notes: readonly string[] } {
  const { changed, missing, units, current, running, digest } = inside;
  const states = Object.entries(units);
  const failed = states.filter(([, state]) => state === 'failed');
  const waiting = states.filter(([, state]) => state !== 'active' && state !== 'failed');
  const isService = services.some(({ name }) => name === group);
  return {
    compared: [
      compare('files that differ from what psactl had put there', 0, changed.length + missing.length),
      compare(
        'configuration',
        'applied to its end',
        digest === null ? 'not applied to its end' : 'applied to its end',
      ),
      compare('units that failed', 0, failed.length),
      ...(isService ? [compare('release that answers', current ?? 'none installed', running ?? 'none')] : []),
      compare('units', null, states.length),
    ],
    notes: [
      ...[...changed, ...missing].slice(0, 5).map((path) => `${path} is changed or missing.`),
      ...failed.map(([unit]) => `${unit} failed.`),
      ...waiting.map(([unit, state]) => `${unit} is ${state}: alone it waits for others.`),
    ],
  };
}

/** Looks until all that must be is so, or patience has its end; what is then is judged. */
async function waitFor(
  { cluster }: Drilling,
  target: Container,
  { id, node }: DrillPlace,
): Promise<{ readonly look: Look; readonly last: string | null }> {
  const { services } = cluster.site.inventory;
  let look: Look | null = null;
  let last: string | null = null;
  const trouble = async () => {
    const { seen, failures } = await lookInto(cluster, [{ container: { ...target, id }, node }]);
    look = seen.get(id) ?? look;
    last = failures.get(id) ?? null;
    if (look === null) return last ?? 'it does not answer';
    const wrong = judge(target, look, services).compared.find(({ same }) => !same);
    return wrong ? `${wrong.what}: ${wrong.found} in place of ${wrong.wanted}` : null;
  };
  try {
    await cluster.until(`${target.name} for a drill`, PATIENCE_MS, trouble);
  } catch (error) {
    cluster.signal.throwIfAborted();
    if (look === null) throw error;
  }
  return { look: look!, last };
}
