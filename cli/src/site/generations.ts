import type { Inventory } from '@psa/appliance/inventory/schema';
import { KEEP_OPTIONS, type RetentionPolicy, type Tier, type TierDays, WEEKDAYS } from '@psa/recovery/policy';
import { tierOf } from '@psa/recovery/tier';
import { usage } from '../errors.ts';
import type { KnownSite } from './site.ts';

/** A generation of the inventory, and where its backups stand. */
export interface Generation extends Tier {
  /** The storage of the cluster that gets the archives of containers. */
  readonly storage: string;
  /** The folder of all manifests, and of everything that is no container. */
  readonly folder: string;
  /** An rclone remote that gets a copy; null: none. */
  readonly remote: string | null;
  /** The storage of a Proxmox Backup Server outside that takes what is on `storage` by its own sync job; null: none. */
  readonly synced: string | null;
}

/** A folder of backups, and what stays in it. */
export interface Store {
  readonly folder: string;
  readonly generations: readonly Generation[];
  readonly policy: RetentionPolicy;
}

/** `daily 02:00` → `every-day`, `sun 02:00` → `sunday`, `first sun 02:00` → `first-sunday` */
export function daysOf(schedule: string): TierDays {
  const words = schedule.split(' ').slice(0, -1);
  if (words[0] === 'daily') return 'every-day';
  const day = WEEKDAYS.find((one) => one.startsWith(words.at(-1)!))!;
  return words[0] === 'first' ? `first-${day}` : day;
}

/** Whose days count. */
export const zoneOf = (inventory: Inventory): string => inventory.backup.zone ?? inventory.timezone;

/** The generations of a site. What goes to a remote is made where the one before it stands, and copied from there. */
export function generationsOf({ inventory, folder, path }: KnownSite): readonly Generation[] {
  const { tiers } = inventory.backup;
  let storage = tiers.find((tier) => tier.storage !== undefined)!.storage!;
  return tiers.map((tier) => {
    storage = tier.storage ?? storage;
    return {
      ...{ name: tier.name, on: daysOf(tier.schedule), keep: tier.keep, storage },
      folder: tier.folder === undefined ? folder.file('backups') : path(tier.folder),
      ...{ remote: tier.remote ?? null, synced: tier.synced ?? null },
    };
  });
}

/** The folders of a site's backups, each once. */
export function storesOf(known: KnownSite): readonly Store[] {
  const { keep } = known.inventory.backup;
  const zone = zoneOf(known.inventory);
  return [...Map.groupBy(generationsOf(known), ({ folder }) => folder)].map(([folder, generations]) => {
    const counts = KEEP_OPTIONS.flatMap((option) => (keep?.[option] ? [[option, keep[option]]] : []));
    const policy: RetentionPolicy =
      counts.length > 0
        ? { zone, ...Object.fromEntries(counts) }
        : { zone, tiers: generations.map(({ name, on, keep: count }) => ({ name, on, keep: count })) };
    return { folder, generations, policy };
  });
}

/**
 * The generation of a run.
 * @param wanted `auto`: by the day, in the zone of the backups; else a name
 * @throws CliError when there is none of that name or day
 */
export function generationOf(known: KnownSite, wanted: string, at: Date): Generation {
  const all = generationsOf(known);
  if (wanted !== 'auto') {
    const named = all.find(({ name }) => name === wanted);
    if (named) return named;
    throw usage(
      `Unable to find the generation "${wanted}" in backup.tiers of ${known.file}.`,
      `Known are: auto, ${all.map(({ name }) => name).join(', ')}.`,
    );
  }
  const tier = tierOf(all, Temporal.Instant.fromEpochMilliseconds(at.getTime()), zoneOf(known.inventory));
  const found = all.find(({ name }) => name === tier?.name);
  if (found) return found;
  throw usage(
    'Unable to choose a generation: none has this day.',
    `Name one with --tier: ${all.map(({ name }) => name).join(', ')}.`,
  );
}

/** `psa/main`: the site as manifests name it. */
export const siteNameOf = ({ inventory, site }: KnownSite): string => `${inventory.name}/${site.name}`;
