import { dirname } from 'node:path';
import { siteOf } from '../inventory/expand.ts';
import type { Inventory } from '../inventory/schema.ts';
import type { Site } from '../inventory/site-schema.ts';
import { anHourLater, backupCalendars, monthsOf, timeOf, weekdayOf } from './calendars.ts';
import { RENDERED, type RenderedFile } from './rendered-file.ts';

/** Where psactl is, and what it finds there. */
export interface PsactlPlace {
  readonly program: string;
  readonly inventory: string;
  /** The home of its files: what the inventory names by `~/`. */
  readonly home: string;
  /** What Prometheus's exporter of the machine reads. */
  readonly metrics: string;
}

/** In the container `ops`. */
export const IN_OPS: PsactlPlace = {
  program: '/usr/local/bin/psactl',
  inventory: '/var/lib/psa/appliance.yaml',
  home: '/root',
  metrics: '/var/lib/prometheus/node-exporter/psa_backup.prom',
};

/** There: what psactl has put into the container, by its release and a digest; see `OpsMark`. */
export const OPS_MARK_FILE = '/var/lib/psa/.scheduled';

/** How often is looked whether all is well with the backups. */
const METRICS_MINUTES = 10;

/** Something that runs by the clock. */
export interface Purpose {
  /** `backup`: its units are `psa-backup.service` and `psa-backup.timer`. */
  readonly name: string;
  readonly what: string;
  /** Words after `psactl`. */
  readonly command: string;
  /** systemd's calendar events, in the zone of the backups; empty: another one starts it. */
  readonly calendar: readonly string[];
  /** Every so many minutes, where no calendar event says so. */
  readonly minutes?: number;
  /** What starts after it, however it ended. */
  readonly next?: string;
  /** What it waits for, when that is at work. */
  readonly after?: readonly string[];
  /** How much later than its time it may begin, so that not everything begins at once. */
  readonly spread: string;
  /** A folder that it writes into, and that others read. */
  readonly folder?: string;
  /** What a crontab says before the command; null: it follows another one's. */
  readonly cron: string | null;
}

/** What runs by itself, and when, as the inventory says. Pure. */
export function purposesOf(inventory: Inventory, site: Site, metrics: string): readonly Purpose[] {
  const { backup } = inventory;
  const onSite = `--site ${site.name}`;
  const hasRemote = backup.tiers.some(({ remote }) => remote !== undefined);
  const [hour, minute] = timeOf(backup.drill.schedule).split(':').map(Number) as [number, number];
  const day = weekdayOf(backup.drill.schedule);
  const cronDay = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'].indexOf(day);
  const firstOf = (months: string) => ({
    calendar: [`${day} *-${months}-01..07 ${timeOf(backup.drill.schedule)}:00`],
    // A crontab takes day of the month or day of the week, never both.
    cron: `${minute} ${hour} 1-7 ${monthsOf(months)} * [ "$(date +\\%w)" = ${cronDay} ] &&`,
  });
  const times = [
    ...new Set(backup.tiers.flatMap(({ schedule }) => [timeOf(schedule), anHourLater(timeOf(schedule))])),
  ];
  // As a dump, and as of a second; as far as either is taken.
  const monthly = (['database', 'pitr'] as const).filter((item) => backup.items?.includes(item) ?? true);
  const redis = every(backup.redis_minutes);
  // The generation of the day, where each day has one.
  const isDaily = backup.tiers.some(({ schedule }) => schedule.startsWith('daily'));
  const anyDay = isDaily ? '' : ` --tier ${backup.tiers[0]!.name}`;
  return [
    {
      ...{ name: 'backup', what: 'backup of the generation of the day', next: 'prune' },
      command: `backup run --due --yes ${onSite}`,
      // An hour later it looks once more: for what failed, and for the night that has no such hour.
      calendar: backupCalendars(backup.tiers.map(({ schedule }) => schedule)),
      spread: '1min',
      cron: times.map((time) => `${Number(time.slice(3))} ${Number(time.slice(0, 2))} * * *`).join('\n'),
    },
    {
      ...{ name: 'prune', what: 'removal of the backups that the policy does not keep', calendar: [] },
      ...{ command: `backup prune --yes ${onSite}`, spread: '0', cron: null },
      ...(hasRemote ? { next: 'offsite' } : {}),
    },
    ...(hasRemote
      ? [
          {
            ...{ name: 'offsite', what: 'copies outside', calendar: [], spread: '0', cron: null },
            command: `offsite send --yes ${onSite}`,
          },
        ]
      : []),
    {
      ...{ name: 'redis', what: 'save of Redis', ...redis, spread: '10s' },
      command: `backup run --only redis${anyDay} --yes ${onSite}`,
      cron: cronEvery(backup.redis_minutes),
    },
    {
      ...{ name: 'verify', what: 'reading of the newest backup of each part', spread: '1min' },
      command: `backup verify ${onSite}`,
      calendar: [`${day} *-*-* ${timeOf(backup.drill.schedule)}:00`],
      after: ['backup'],
      cron: `${minute} ${hour} * * ${cronDay}`,
    },
    ...(monthly.length === 0
      ? []
      : [
          {
            ...{ name: 'drill-database', what: 'restore of the database in a drill', spread: '1min' },
            command: `drill run --what ${monthly.join(',')} --yes ${onSite}`,
            ...firstOf('02,03,05,06,08,09,11,12'),
            after: ['backup', 'verify'],
          },
        ]),
    {
      ...{ name: 'drill', what: 'restore of everything in a drill', spread: '1min' },
      command: `drill run --yes ${onSite}`,
      ...firstOf('01,04,07,10'),
      after: ['backup', 'verify'],
    },
    {
      ...{
        name: 'metrics',
        what: 'look at the backups, for Prometheus',
        ...every(METRICS_MINUTES),
        spread: '10s',
      },
      command: `backup metrics --report --out ${metrics} ${onSite}`,
      folder: dirname(metrics),
      cron: cronEvery(METRICS_MINUTES),
    },
  ];
}

/** A calendar event for what an hour or a day can be divided by; else so many minutes after the last time. */
function every(minutes: number): Pick<Purpose, 'calendar' | 'minutes'> {
  if (minutes < 60 && 60 % minutes === 0) return { calendar: [`*-*-* *:00/${minutes}:00`] };
  if (minutes % 60 === 0 && 24 % (minutes / 60) === 0)
    return { calendar: [`*-*-* 00/${minutes / 60}:00:00`] };
  return { calendar: [], minutes };
}

/** The same for a crontab, which knows minutes of an hour and hours of a day: rather too often than too rarely. */
const cronEvery = (minutes: number): string =>
  minutes < 60 ? `*/${minutes} * * * *` : `0 */${Math.min(23, Math.floor(minutes / 60))} * * *`;

/** The units of systemd for a machine that has psactl, and a crontab for one that has no systemd. */
export function renderTimers(
  inventory: Inventory,
  site: Site = siteOf(inventory),
  place: PsactlPlace = IN_OPS,
): readonly RenderedFile[] {
  const zone = inventory.backup.zone ?? inventory.timezone;
  const purposes = purposesOf(inventory, site, place.metrics);
  return [
    ...purposes.map((one) => ({ path: `systemd/psa-${one.name}.service`, text: serviceUnit(one, place) })),
    ...purposes
      .filter(({ calendar, minutes }) => calendar.length > 0 || minutes !== undefined)
      .map((one) => ({ path: `systemd/psa-${one.name}.timer`, text: timerUnit(one, zone) })),
    { path: 'crontab', text: crontab(purposes, zone) },
  ];
}

const serviceUnit = (
  { what, command, next, after, folder }: Purpose,
  place: PsactlPlace,
): string => `# ${RENDERED}
[Unit]
Description=PSA-Platform: ${what}
After=network-online.target${(after ?? []).map((name) => ` psa-${name}.service`).join('')}
Wants=network-online.target
${next === undefined ? '' : `OnSuccess=psa-${next}.service\nOnFailure=psa-${next}.service\n`}
[Service]
Type=oneshot
Environment=PSA_INVENTORY=${place.inventory} HOME=${place.home}
# PSA_URL and PSA_API_KEY, where the platform is to be told; other secrets stand in files that the inventory names.
EnvironmentFile=-/etc/psa/psactl.env
WorkingDirectory=${place.home}
${folder === undefined ? '' : `ExecStartPre=/usr/bin/install -d -m 755 ${folder}\n`}ExecStart=${place.program} ${command}
# It ends by itself; what is cut short is done again by the next one.
TimeoutStartSec=infinity
TimeoutStopSec=60
Nice=10
UMask=0077
PrivateTmp=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
NoNewPrivileges=yes
`;

const timerUnit = ({ what, calendar, minutes, spread }: Purpose, zone: string): string => `# ${RENDERED}
[Unit]
Description=PSA-Platform: ${what}

[Timer]
${calendar.map((one) => `OnCalendar=${one} ${zone}\n`).join('')}${
  minutes === undefined ? '' : `OnActiveSec=1min\nOnUnitActiveSec=${minutes}min\n`
}RandomizedDelaySec=${spread}
AccuracySec=1s
${calendar.length > 0 ? '# What was due while the machine was off is done when it is on again.\nPersistent=true\n' : ''}
[Install]
WantedBy=timers.target
`;

function crontab(purposes: readonly Purpose[], zone: string): string {
  const chain = (one: Purpose): string => {
    const next = purposes.find(({ name }) => name === one.next);
    return `psactl ${one.command}${next ? `; ${chain(next)}` : ''}`;
  };
  const lines = purposes.flatMap((one) =>
    one.cron === null
      ? []
      : [`# ${one.what}`, ...one.cron.split('\n').map((when) => `${when} ${chain(one)}`), ''],
  );
  return `# ${RENDERED}
# For a machine without systemd that has psactl: "crontab rendered/<site>/timers/crontab", with PSA_INVENTORY set
# below. Times are those of ${zone}, which must be the zone of that machine.
PATH=/usr/local/bin:/usr/bin:/bin
PSA_INVENTORY=/var/lib/psa/appliance.yaml

${lines.join('\n').trimEnd()}
`;
}
