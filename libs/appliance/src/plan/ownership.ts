import type { Desired, DesiredContainer } from './desired.ts';
import { type Marker, parseMarker } from './marker.ts';
import type { Observed, ObservedGuest } from './observed.ts';

/**
 * Whose a guest is. `begun`: locked by a creation of ours that did not end, so that nothing is written in it yet.
 * `unknown`: its configuration could not be read.
 */
export type Owner = 'ours' | 'begun' | 'foreign' | 'unknown';

type Appliance = Pick<Desired, 'appliance' | 'site'>;

/** The marker of a guest, when it names this appliance and this very guest. A clone's names another. */
export function ownMarker(
  { appliance, site }: Appliance,
  guest: Pick<ObservedGuest, 'id' | 'config'>,
): Marker | null {
  const marker = guest.config ? parseMarker(guest.config.description) : null;
  return marker?.appliance === appliance && marker.site === site && marker.id === guest.id ? marker : null;
}

/**
 * Whose a guest is: ours has our marker and beside it our tag or our pool; the one that is lost is put back. What is
 * removed must have all three.
 */
export function ownerOf(desired: Appliance, observed: Pick<Observed, 'begun'>, guest: ObservedGuest): Owner {
  if (guest.type !== 'lxc') return 'foreign';
  if (guest.config === null) return 'unknown';
  if (ownMarker(desired, guest)) return guest.inPool || isTagged(desired, guest) ? 'ours' : 'foreign';
  return guest.config.lock === 'create' && observed.begun.includes(guest.id) ? 'begun' : 'foreign';
}

/**
 * Whether it has the marker, the tag and the pool. Only then may it be removed. One that was made and not yet tagged
 * when psactl was ended is known by the journal in place of the tag.
 */
export function isWhollyOurs(
  desired: Appliance,
  { begun }: Pick<Observed, 'begun'>,
  guest: ObservedGuest,
): boolean {
  const isSigned = isTagged(desired, guest) || begun.includes(guest.id);
  return guest.type === 'lxc' && ownMarker(desired, guest) !== null && guest.inPool && isSigned;
}

/** What of a guest is as it would be of a container of ours, its marker apart. */
export function resemblance(
  desired: Pick<Desired, 'appliance' | 'pool'>,
  container: DesiredContainer,
  { inPool, config }: Pick<ObservedGuest, 'inPool' | 'config'>,
): readonly string[] {
  if (!config) return [];
  const { hostname, net0, tags } = config;
  return [
    ...(hostname === container.name ? [`the name ${container.name}`] : []),
    ...(net0.ip?.split('/')[0] === container.address ? [`the address ${container.address}`] : []),
    ...(tags.includes(desired.appliance) ? [`the tag ${desired.appliance}`] : []),
    ...(inPool ? [`the pool ${desired.pool}`] : []),
  ];
}

/** So much of it must be as ours would be before a marker is given to it. */
export const ENOUGH_RESEMBLANCE = 3;

const isTagged = ({ appliance }: Appliance, guest: ObservedGuest) =>
  guest.config?.tags.includes(appliance) ?? false;
