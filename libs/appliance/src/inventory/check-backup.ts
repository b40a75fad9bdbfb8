import { isTimeZone } from '@psa/contracts/time-zones';
import { holds } from './checks.ts';
import type { Problem } from './problem.ts';
import type { Inventory } from './schema.ts';

/** What is wrong with what shall be backed up, where to and how often. */
export function checkBackup(inventory: Inventory): Problem[] {
  return [
    ...checkTiers(inventory),
    ...checkPolicy(inventory),
    ...checkGroups(inventory),
    ...checkDrill(inventory),
    ...checkTargets(inventory),
    ...checkFiles(inventory),
  ];
}

/** Files that a service keeps on its own container's disk are in no dump, at no moment, and seen by no other replica. */
function checkFiles(inventory: Inventory): Problem[] {
  return inventory.services.flatMap(({ name, settings }, index) =>
    settings?.FILES_DIR
      ? [
          {
            path: ['services', index, 'settings', 'FILES_DIR'],
            message: `Files of "${name}" would stand on the disks of its containers, where no backup of the database has them.`,
            fix: 'Leave it out: a site keeps files in the database, which is backed up with them.',
          },
        ]
      : [],
  );
}

function checkTiers(inventory: Inventory): Problem[] {
  const days = new Map<string, string>();
  return inventory.backup.tiers.flatMap((tier, index): Problem[] => {
    const path = ['backup', 'tiers', index];
    const day = tier.schedule.replace(/ \S+$/, '');
    const same = days.get(day);
    days.set(day, tier.name);
    return [
      ...((tier.storage === undefined) === (tier.remote === undefined)
        ? [
            {
              path: [...path, 'name'],
              message: `The generation "${tier.name}" needs one place to go to.`,
              fix: 'Write either storage (of the site) or remote (rclone), not both.',
            },
          ]
        : inventory.sites
            .filter((site) => tier.storage !== undefined && !holds(site.storages, tier.storage, 'backup'))
            .map((site) => ({
              path: [...path, 'storage'],
              message: `Site "${site.name}" has no storage "${tier.storage}" for backups.`,
              fix: 'Name one whose content includes backup.',
            }))),
      ...checkSynced(inventory, index),
      // A run belongs to the rarest generation of its day: of two with the same days one would never get any.
      ...(same === undefined
        ? []
        : [
            {
              path: [...path, 'schedule'],
              message: `The generation "${tier.name}" has the days of "${same}": a run belongs to one of them.`,
              fix: 'Give each its own days, as in daily, sun and first sun.',
            },
          ]),
    ];
  });
}

/** Only a backup server has a sync job, and what it fills is another server's. */
function checkSynced({ backup, sites }: Inventory, index: number): Problem[] {
  const { name, storage, synced } = backup.tiers[index]!;
  if (synced === undefined) return [];
  const path = ['backup', 'tiers', index, 'synced'];
  const isServer = (known: Inventory['sites'][number], wanted: string | undefined) =>
    known.storages.some((one) => one.name === wanted && one.type === 'pbs');
  if (storage === synced)
    return [
      {
        path,
        message: `The generation "${name}" would be its own copy.`,
        fix: 'Name the storage of the other server, or leave synced out.',
      },
    ];
  return sites.flatMap((site): Problem[] =>
    [storage, synced]
      .filter((one) => !isServer(site, one))
      .map((one) => ({
        path,
        message: `Site "${site.name}" has no storage "${one ?? ''}" of type pbs, and only a Proxmox Backup Server has a sync job.`,
        fix: 'Give both storages of that type, or use remote, which psactl copies to by itself.',
      })),
  );
}

function checkPolicy(inventory: Inventory): Problem[] {
  const { tiers, keep, zone } = inventory.backup;
  return [
    ...(tiers.some(({ storage }) => storage !== undefined)
      ? []
      : [
          {
            path: ['backup', 'tiers'],
            message: 'No generation has a storage of the site: a remote holds copies of what is there.',
            fix: 'Give one of them a storage whose content includes backup.',
          },
        ]),
    ...(keep === undefined || Object.values(keep).some((count) => count > 0)
      ? []
      : [
          {
            path: ['backup', 'keep'],
            message: 'No option is above 0: nothing would be kept.',
            fix: 'Write at least one, as in { keep-daily: 7 }, or leave keep out.',
          },
        ]),
    ...(zone === undefined || isTimeZone(zone)
      ? []
      : [
          {
            path: ['backup', 'zone'],
            message: `There is no zone "${zone}".`,
            fix: 'Write an IANA name such as Europe/Berlin.',
          },
        ]),
  ];
}

function checkGroups({ backup, containers }: Inventory): Problem[] {
  return (backup.groups ?? []).flatMap((name, index) =>
    containers.some((group) => group.name === name)
      ? []
      : [
          {
            path: ['backup', 'groups', index],
            message: `There is no container group "${name}".`,
            fix: `Known are: ${containers.map((group) => group.name).join(', ')}.`,
          },
        ],
  );
}

function checkDrill({ backup: { drill }, vlans }: Inventory): Problem[] {
  if (vlans.some((vlan) => vlan.name === drill.vlan)) return [];
  return [
    {
      path: ['backup', 'drill', 'vlan'],
      message: `There is no VLAN "${drill.vlan}".`,
      fix: `Known are: ${vlans.map((vlan) => vlan.name).join(', ')}.`,
    },
  ];
}

/** What is promised needs backups that are taken at least as often. */
function checkTargets({ backup }: Inventory): Problem[] {
  const { wal_archive_minutes, redis_minutes, targets } = backup;
  return [
    ...(wal_archive_minutes > targets.database.rpo_minutes
      ? [
          {
            path: ['backup', 'wal_archive_minutes'],
            message: `The log is handed over every ${wal_archive_minutes} minutes; the target for the database is ${targets.database.rpo_minutes}.`,
            fix: 'Lower it to the recovery point of the database or below.',
          },
        ]
      : []),
    ...(redis_minutes > targets.redis.rpo_minutes
      ? [
          {
            path: ['backup', 'redis_minutes'],
            message: `Redis is saved every ${redis_minutes} minutes; its target is ${targets.redis.rpo_minutes}.`,
            fix: 'Lower it to the recovery point of Redis or below.',
          },
        ]
      : []),
  ];
}
