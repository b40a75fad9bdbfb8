import type { PatroniMember } from '@psa/appliance/parts/postgres';
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

/** The appliance on one screen. */
export interface SiteStatus {
  readonly site: string;
  readonly at: string;
  readonly healthy: boolean;
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
    `${data.site}: ${data.healthy ? 'healthy' : 'NOT HEALTHY'}, ${data.quorate ? 'quorate' : 'NO QUORUM'}, ${containers.running} of ${containers.wanted} containers run\n`,
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
          one.ready ? 'ready' : 'NOT READY',
          one.rotation === 'serving' ? 'serving' : one.rotation.toUpperCase(),
          one.ready ? '' : one.why.slice(0, 80),
        ]),
      ),
    ),
    `certificate: ${certificate ? `${certificate.subject}, ${plural(certificate.days, 'day')} left` : 'none known here'}\n`,
    `last backup before a deploy: ${data.last_backup ?? 'none'}\n`,
    `last deploy: ${data.last_deploy ? `${data.last_deploy.id}, ${data.last_deploy.outcome.replace('_', ' ')}` : 'none'}\n`,
    ...data.problems.map((one) => `problem: ${one}\n`),
  ];
  return lines.join('');
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
