import type { Desired } from './desired.ts';
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

/** Whether it has the marker, the tag and the pool. Only then may it be removed. */
export function isWhollyOurs(desired: Appliance, guest: ObservedGuest): boolean {
  return (
    guest.type === 'lxc' && ownMarker(desired, guest) !== null && guest.inPool && isTagged(desired, guest)
  );
}

const isTagged = ({ appliance }: Appliance, guest: ObservedGuest) =>
  guest.config?.tags.includes(appliance) ?? false;
