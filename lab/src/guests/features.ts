import type { StorageType } from '@psa/appliance/inventory/storages';
import type { GuestValues } from '../cluster/guest-conf.ts';
import type { Lab } from '../lab.ts';
import { diskKeys, volumeOf } from './values.ts';

/** What can be done with a container's volumes. `clone`: linked, without a copy. */
export type Feature = 'snapshot' | 'clone' | 'copy' | 'template' | 'rename';
type Kind = 'base' | 'current' | 'snap';
type Features = Readonly<Record<Feature, readonly Kind[]>>;

/** Raw files: linked clones of them would be qcow2, which containers cannot have. */
const FILES: Features = {
  ...{ snapshot: [], clone: [], copy: ['base', 'current'] },
  ...{ template: ['current'], rename: ['current'] },
};
const ALL = ['base', 'current', 'snap'] as const;
/** What holds no disks. */
const NONE: Features = { snapshot: [], clone: [], copy: [], template: [], rename: [] };

/** By type of storage (volume_has_feature of each plugin of PVE::Storage). */
const FEATURES: Readonly<Record<StorageType, Features>> = {
  dir: FILES,
  nfs: FILES,
  cifs: FILES,
  cephfs: FILES,
  lvm: { ...FILES, template: [] },
  pbs: NONE,
  btrfs: { ...FILES, snapshot: ['current', 'snap'], clone: ALL, copy: ALL },
  lvmthin: { ...FILES, snapshot: ['current'], clone: ['base', 'snap'], copy: ALL },
  zfspool: { ...FILES, snapshot: ['current', 'snap'], clone: ['base'] },
  rbd: { ...FILES, snapshot: ['current', 'snap'], clone: ['base', 'snap'], copy: ALL },
};

/** Whether the storage of a volume can do something with it, or with a snapshot of it. */
export function hasFeature(lab: Lab, feature: Feature, volid: string, snapshot: string | null): boolean {
  const volume = lab.storages.parse(volid);
  if (!volume) return false;
  const kind = snapshot ? 'snap' : volume.name.startsWith('base-') ? 'base' : 'current';
  return FEATURES[lab.storages.get(volume.storage).type][feature].includes(kind);
}

/** Whether all disks of a container can. */
export const haveFeature = (
  lab: Lab,
  feature: Feature,
  values: GuestValues,
  snapshot: string | null,
): boolean => diskKeys(values).every((key) => hasFeature(lab, feature, volumeOf(values[key]!), snapshot));
