import { type Container, expand } from '../inventory/expand.ts';
import type { Inventory, Service } from '../inventory/schema.ts';
import type { Site } from '../inventory/site-schema.ts';
import type { Contents, Place } from '../parts/part.ts';
import { dataParts, partOf } from '../parts/parts.ts';
import { follows, isAsleep } from '../parts/standby-settings.ts';
import { machineContents } from './machine.ts';
import type { Secrets } from './secret.ts';
import { serviceContents } from './service.ts';

/**
 * Everything that stands in a container beside its template: files and units, in the order in which the units start.
 * What a program rewrites by itself is not among the files, so that a check finds only what people changed.
 * @param secrets values of every name of `secretNames`
 */
export function contentsOf(
  inventory: Inventory,
  site: Site,
  container: Container,
  secrets: Secrets,
): Contents {
  const containers = expand(inventory, site);
  const place: Place = {
    inventory,
    site,
    container,
    secrets,
    parts: dataParts(),
    of: (group) => containers.filter((one) => one.group === group),
  };
  const parts = [machineContents(place), ownContents(place)];
  return { files: parts.flatMap((one) => one.files), units: parts.flatMap((one) => one.units) };
}

function ownContents(place: Place): Contents {
  const { group } = place.container;
  const service: Service | undefined = place.inventory.services.find((one) => one.name === group);
  const own = service
    ? serviceContents(place, service)
    : (partOf(group)?.contents(place) ?? { files: [], units: [] });
  // On a site that follows it lies ready, and starts when that takes over.
  return follows(place.secrets) && isAsleep(group, service !== undefined) ? { ...own, units: [] } : own;
}
