import type { PatroniMember } from '@psa/appliance/parts/postgres';
import { age } from '@psa/recovery/health';
import type { BackupSummary } from '@psa/recovery/summary';
import { type FiledKeyState, keyText } from '../backup/key-state.ts';
import type { Placed } from '../site/cluster.ts';
import { plural, table } from '../text.ts';

/** A replica on the screen. */
export interface ReplicaStatus {
  readonly name: string;
  readonly node: string | null;
  readonly state: Placed['state'];
  readonly release: string | null;
  readonly running: string | null;
  readonly ready: boolean;
  readonly why: string;
  readonly rotation: 'serving' | 'drained' | 'out';
}

/** The backups on the screen. */
export interface BackupState extends Pick<BackupSummary, 'series' | 'findings' | 'drills'> {
  /** When the newest backup of anything that was ever restored was begun; null: none was. */
  readonly newest_proven_at: string | null;
  /** The key of what is encrypted; null: nothing is. */
  readonly key: FiledKeyState | null;
}

/** The appliance on one screen. */
export interface SiteStatus {
  readonly site: string;
  readonly at: string;
  readonly healthy: boolean;
  /** Its database follows that of the other site: nobody is served here, and what serves lies ready. */
  readonly follows: boolean;
  readonly quorate: boolean;
  readonly nodes: readonly { readonly name: string; readonly online: boolean; readonly running: number }[];
  readonly containers: { readonly wanted: number; readonly running: number };
  readonly services: readonly {
    readonly name: string;
    readonly release: string;
    readonly replicas: readonly ReplicaStatus[];
  }[];
  /** Data parts: what is wrong with each, and how many of its containers run. */
  readonly parts: readonly {
    readonly part: string;
    readonly trouble: string | null;
    readonly running: number;
    readonly wanted: number;
  }[];
  readonly postgres: readonly PatroniMember[];
  readonly certificate: { readonly subject: string; readonly until: string; readonly days: number } | null;
  readonly last_backup: string | null;
  /** Null: they could not be looked at. Copies outside are not asked for here: "psactl backup metrics" does. */
  readonly backups: BackupState | null;
  readonly last_deploy: { readonly id: string; readonly at: string; readonly outcome: string } | null;
  /** A deploy that is under way, or was cut short. */
  readonly unfinished: string | null;
  /** What wants attention, each in a line. */
  readonly problems: readonly string[];
}

/** One screen. */
export function renderSiteStatus(data: SiteStatus): string {
  const { nodes, containers, services, parts, postgres, certificate } = data;
  const mark = (fine: boolean, text: string) => (fine ? text : text.toUpperCase());
  const lines = [
    `${data.site}: ${data.healthy ? 'healthy' : 'NOT HEALTHY'}, ${data.follows ? 'follows the other site, ' : ''}${data.quorate ? 'quorate' : 'NO QUORUM'}, ${containers.running} of ${containers.wanted} containers run\n`,
    table(
      nodes.map((one) => [
        `  ${one.name}`,
        mark(one.online, one.online ? 'online' : 'offline'),
        `${plural(one.running, 'container')}`,
      ]),
    ),
    table([
      ...parts.map(({ part, trouble, running, wanted }) => [
        `  ${part}`,
        trouble === null ? (running < wanted ? 'DEGRADED' : 'ok') : 'FAILED',
        `${running} of ${wanted}`,
        trouble ?? (part === 'postgres' ? postgresLine(postgres) : ''),
      ]),
    ]),
    table(
      services.flatMap(({ replicas }) =>
        replicas.map((one) => [
          `  ${one.name}`,
          one.node ?? '-',
          one.running ?? one.release ?? '-',
          ...(data.follows
            ? ['lies ready']
            : [
                one.ready ? 'ready' : 'NOT READY',
                one.rotation === 'serving' ? 'serving' : one.rotation.toUpperCase(),
                one.ready ? '' : one.why.slice(0, 80),
              ]),
        ]),
      ),
    ),
    `certificate: ${certificate ? `${certificate.subject}, ${plural(certificate.days, 'day')} left` : 'none known here'}\n`,
    `last backup before a deploy: ${data.last_backup ?? 'none'}\n`,
    ...backupLines(data),
    `last deploy: ${data.last_deploy ? `${data.last_deploy.id}, ${data.last_deploy.outcome.replace('_', ' ')}` : 'none'}\n`,
    ...data.problems.map((one) => `problem: ${one}\n`),
  ];
  return lines.join('');
}

/** How many findings are shown; "psactl backup metrics" has them all. */
const MOST_FINDINGS = 5;

/** What is there of backups, and what is wrong with them. */
function backupLines({ backups, at }: SiteStatus): string[] {
  if (backups === null) return ['backups: could not be looked at\n'];
  const { series, findings, newest_proven_at, key } = backups;
  const now = Date.parse(at);
  const ageOf = (moment: string) => age(Math.max(0, now - Date.parse(moment)));
  const good = series.flatMap(({ newest_good }) => newest_good?.at ?? []).toSorted();
  const proven = series.filter(({ newest_proven }) => newest_proven !== null);
  const newest = proven.find(({ newest_proven }) => newest_proven!.at === newest_proven_at);
  return [
    `backups: ${good.length} of ${plural(series.length, 'part')} good${good.length === 0 ? '' : `, ${ageOf(good.at(-1)!)} to ${ageOf(good[0]!)} old`}\n`,
    newest
      ? `newest proven backup: ${newest.series}, ${ageOf(newest_proven_at!)} old, restored ${ageOf(newest.last_proof_at!)} ago; ${proven.length} of ${plural(series.length, 'part')} proven\n`
      : `newest proven backup: none; ${plural(series.length, 'part')} unproven\n`,
    ...findings.slice(0, MOST_FINDINGS).map(({ severity, text }) => `backup ${severity}: ${text}\n`),
    ...(findings.length > MOST_FINDINGS
      ? [`backup: ${findings.length - MOST_FINDINGS} more: psactl backup metrics --json\n`]
      : []),
    keyText(key, now),
  ];
}

function postgresLine(members: readonly PatroniMember[]): string {
  return members
    .map((one) => {
      const lag =
        typeof one.lag === 'number' && one.lag > 0 ? `, ${Math.ceil(one.lag / 1024)} KiB behind` : '';
      return `${one.name} ${one.role.replace('_', ' ')}${lag}`;
    })
    .join('; ');
}
