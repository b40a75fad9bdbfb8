import { BACKUP_ITEMS, type BackupItem } from '@psa/appliance/inventory/operations-schema';
import type { Expected, WatchPolicy } from '@psa/recovery/health';
import { BDUF_TIERS } from '@psa/recovery/policy';
import { DRILL_ITEMS } from '../drill/run-drill.ts';
import { generationsOf, zoneOf } from '../site/generations.ts';
import type { KnownSite } from '../site/site.ts';

/** How long a run of all that there is may take. */
const GRACE_MINUTES = 6 * 60;
/** A copy outside has the day. */
const OFFSITE_GRACE_MINUTES = 24 * 60;
/** From a first Saturday of a month to the next there are five weeks at most; and a week to mend what failed. */
const MONTHLY_DAYS = 6 * 7;
/** The same of a quarter, of which there are fourteen. */
const QUARTERLY_DAYS = 15 * 7;
/** A reading of all every week, and two days to mend what failed. */
const WEEKLY_DAYS = 9;
/** 64 segments of 16 MiB: what the log may have on its way before it is said that it does not arrive. */
const WAL_BYTES = 2 ** 30;

/**
 * Days after which the proof of a part is too old: the database has a drill every month, the rest every quarter. Null: no
 * drill restores it.
 */
function unprovenDays(item: BackupItem): number | null {
  if (!DRILL_ITEMS.some((one) => one === item)) return null;
  return item === 'database' || item === 'pitr' ? MONTHLY_DAYS : QUARTERLY_DAYS;
}

/** What is expected of the backups of a site, by its inventory. */
export function watchPolicyOf(site: KnownSite): WatchPolicy {
  const { backup } = site.inventory;
  const items = backup.items ?? BACKUP_ITEMS;
  const generations = generationsOf(site);
  const expected = items.flatMap((item): Expected[] => {
    const unproven_days = unprovenDays(item);
    if (item === 'containers')
      return site.containers
        .filter(({ group }) => backup.groups?.includes(group) ?? true)
        .map(({ id }) => ({ series: `container-${id}`, every: 'run', unproven_days }));
    const every = item === 'releases' ? 'once' : item === 'redis' ? backup.redis_minutes : 'run';
    return [{ series: item, every, unproven_days }];
  });
  return {
    zone: zoneOf(site.inventory),
    tiers: generations.map(({ name, on, remote, synced }, index) => ({
      ...{ name, on, remote, synced, time: backup.tiers[index]!.schedule.split(' ').at(-1)! },
    })),
    ...{ expected, grace_minutes: GRACE_MINUTES, offsite_grace_minutes: OFFSITE_GRACE_MINUTES },
    // That the others were restored is seen by what stands beside the backups.
    drills: items.map((item) => ({
      what: item,
      days: item === 'database' || item === 'pitr' ? MONTHLY_DAYS : null,
    })),
    wal: { minutes: backup.wal_archive_minutes, bytes: WAL_BYTES },
  };
}

/** Of the platform in one process: every night, and restored every week, as the handbook has it. */
export const embeddedPolicy = (zone: string): WatchPolicy => ({
  zone,
  tiers: BDUF_TIERS.map(({ name, on }) => ({ name, on, time: '02:00', remote: null })),
  // Not by an hour of the day: it is the operator's cron that knows it.
  expected: [{ series: 'embedded', every: 24 * 60, unproven_days: WEEKLY_DAYS }],
  ...{ grace_minutes: GRACE_MINUTES, offsite_grace_minutes: OFFSITE_GRACE_MINUTES, drills: [], wal: null },
});
