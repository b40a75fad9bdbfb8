import { parseMount } from '@psa/proxmox/conf';
import { type GuestValues, numbered } from '../../cluster/guest-conf.ts';
import { kindOf } from '../../guests/disks.ts';
import { volumeOf } from '../../guests/values.ts';
import type { Lab } from '../../lab.ts';
import type { MountedVolume } from '../../ports.ts';

/** A disk of a container, and whether a backup has it (PVE::LXC::Config, get_backup_volumes). */
export interface Covered {
  readonly key: string;
  readonly volume: string;
  readonly kind: 'volume' | 'device' | 'bind';
  /** Where it lies in the container: `/srv/data`. */
  readonly mp: string;
  readonly isIncluded: boolean;
  readonly reason: 'rootfs' | 'enabled' | 'disabled' | 'not a volume';
}

/** The disks of a container in their order. */
export const coverage = (values: GuestValues): readonly Covered[] => [
  ...(values.rootfs === undefined
    ? []
    : [
        {
          ...({ key: 'rootfs', volume: volumeOf(values.rootfs), kind: 'volume', mp: '/' } as const),
          ...({ isIncluded: true, reason: 'rootfs' } as const),
        },
      ]),
  ...numbered(values, 'mp').map((key): Covered => {
    const { volume, mp = '', backup } = parseMount(values[key]!);
    const kind = kindOf(volume);
    const isIncluded = kind === 'volume' && backup === true;
    const reason = isIncluded ? 'enabled' : kind === 'volume' ? 'disabled' : 'not a volume';
    return { key, volume, kind, mp, isIncluded, reason };
  }),
];

/** What a backup says of a disk. */
export const coverageLine = ({ key, kind, mp, isIncluded, reason }: Covered): string =>
  isIncluded
    ? `including mount point ${key} ('${mp}') in backup`
    : `excluding ${kind} mount point ${key} ('${mp}') from backup (${reason})`;

/** Where a mount point lies in its container: `srv/data`. */
export const pathOf = (mount: string): string => bare(parseMount(mount).mp ?? '');

const bare = (path: string): string => path.replaceAll(/^\/+|\/+$/g, '');

/** The mount points whose volumes are in a backup. */
export const backedUpMounts = (lab: Lab, values: GuestValues): readonly MountedVolume[] =>
  coverage(values).flatMap(({ key, volume: volid, mp, isIncluded }) => {
    const volume = isIncluded && key !== 'rootfs' ? lab.storages.parse(volid) : null;
    return volume ? [{ path: bare(mp), volume }] : [];
  });
