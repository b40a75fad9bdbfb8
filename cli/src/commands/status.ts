import type { EventStats } from '@psa/contracts/event-api';
import type { TicketStats } from '@psa/contracts/tickets';
import type { Static } from 'typebox';
import { isUnauthorised } from '../api/errors.ts';
import { type Context, define } from '../command.ts';
import { CliError, toCliError } from '../errors.ts';
import type { SiteOptions } from '../site/site.ts';
import { renderSiteStatus, type SiteStatus } from '../status/site-status-text.ts';
import { table } from '../text.ts';

interface Readiness {
  status: string;
  checks: Record<string, { status: string; ms: number; error?: string }>;
}
interface Health {
  version: string;
  uptime_seconds: number;
}

interface PlatformStatus {
  url: string;
  ready: boolean;
  version: string;
  uptime_seconds: number;
  /** What the gateway depends on: each service, the bus, the cache. */
  checks: Readiness['checks'];
  tickets: Pick<
    Static<typeof TicketStats>,
    'open_by_status' | 'open_by_priority' | 'unassigned' | 'sla_at_risk' | 'sla_breached_open'
  > | null;
  /** Events of the last 24 hours. */
  events: { total: number; last_24_hours: number } | null;
  /** Parts that could not be asked, and why. */
  notes: string[];
}

type Status = PlatformStatus | SiteStatus;

interface Options extends SiteOptions {
  readonly watch?: boolean;
  readonly wait?: number;
}

export const status = define<Options, Status, null, Status>({
  summary: 'Shows whether the platform and each of its services is ready',
  description: `
Without signing in it shows readiness alone. Exit code 1 when the platform is not ready.

With --site or --inventory it shows the appliance: nodes, containers, services, data parts, certificate, the age of the
newest proven backup and what is wrong with backups. Exit code 1 when anything of it wants attention; what is wrong with backups
is for those who watch over them, and no part of that.`,
  options: [
    { flags: '--watch', description: 'appliance: draw the screen again and again, until Ctrl-C' },
    {
      flags: '--wait <seconds>',
      description: 'appliance: wait so long until it is healthy',
      parse: (text) => {
        const value = Number(text);
        if (!Number.isInteger(value) || value < 0) throw new Error('Give seconds.');
        return value;
      },
    },
  ],
  examples: [
    { run: 'psactl status', note: 'one screen: services, tickets, events' },
    { run: 'psactl status --json', note: 'the same for a program' },
  ],
  // Whoever asks how it is wants to hear it now.
  patienceMs: 0,

  async plan(context) {
    const { options, io } = context;
    if (options.site ?? options.inventory ?? (io.env.PSA_INVENTORY || undefined)) {
      const { watchSite } = await import('../status/watch-site.ts');
      return { data: await watchSite(context, options), carry: null };
    }
    return { data: await platformStatus(context), carry: null };
  },

  render: (data) => ('site' in data ? renderSiteStatus(data) : renderPlatform(data)),
  outcome: (data) => (('site' in data ? data.healthy : data.ready) ? 'done' : 'failed'),
});

async function platformStatus(context: Context<object>): Promise<PlatformStatus> {
  const { api, url } = context;
  const readiness = await api.request<Readiness>('GET', '/ready', {
    action: 'ask for the status',
    anonymous: true,
    accept: [503],
    timeoutMs: 15_000,
  });
  if (typeof readiness.body?.checks !== 'object') {
    throw new CliError(`Unable to ask for the status: what answers at ${url} is not PSA-Platform.`, {
      fix: 'Check PSA_URL or --url.',
    });
  }
  const health = await api.get<Health>('/health', { action: 'ask for the version', anonymous: true });
  const notes: string[] = [];
  const tickets = await part(context, notes, 'ticket figures', '/api/v1/tickets/stats', {});
  const events = await part(context, notes, 'event figures', '/api/v1/events/stats', { hours: 24 });
  const ticketStats = tickets as Static<typeof TicketStats> | null;
  const eventStats = events as Static<typeof EventStats> | null;
  return {
    url,
    ready: readiness.status === 200,
    version: health.version,
    uptime_seconds: health.uptime_seconds,
    checks: readiness.body.checks,
    tickets: ticketStats && {
      open_by_status: ticketStats.open_by_status,
      open_by_priority: ticketStats.open_by_priority,
      unassigned: ticketStats.unassigned,
      sla_at_risk: ticketStats.sla_at_risk,
      sla_breached_open: ticketStats.sla_breached_open,
    },
    events: eventStats && {
      total: eventStats.total,
      last_24_hours: eventStats.per_hour.reduce((sum, { count }) => sum + count, 0),
    },
    notes,
  };
}

function renderPlatform(data: PlatformStatus): string {
  const lines = [
    `PSA-Platform ${data.version} at ${data.url}: ${data.ready ? 'ready' : 'NOT READY'}, up ${duration(data.uptime_seconds)}\n`,
    table(
      Object.entries(data.checks).map(([name, check]) => [
        `  ${name}`,
        check.status === 'ok' ? 'ok' : check.status.toUpperCase(),
        `${check.ms} ms`,
        check.error ?? '',
      ]),
    ),
  ];
  if (data.tickets) {
    const open = Object.entries(data.tickets.open_by_status);
    const total = open.reduce((sum, [, count]) => sum + count, 0);
    lines.push(
      `tickets: ${total} open${total > 0 ? ` (${open.map(([name, count]) => `${count} ${name}`).join(', ')})` : ''}, ` +
        `${data.tickets.unassigned} unassigned, ${data.tickets.sla_at_risk} at risk, ${data.tickets.sla_breached_open} breached\n`,
    );
  }
  if (data.events)
    lines.push(`events: ${data.events.total}, ${data.events.last_24_hours} in the last 24 hours\n`);
  for (const note of data.notes) lines.push(`note: ${note}\n`);
  return lines.join('');
}

/** A part of the screen; when it cannot be had, the rest still can, and a note says why. */
async function part(
  { api }: Context<object>,
  notes: string[],
  what: string,
  path: string,
  query: Record<string, number>,
): Promise<object | null> {
  try {
    return (
      await api.get<{ data: object }>(path, { action: `ask for the ${what}`, query, timeoutMs: 10_000 })
    ).data;
  } catch (error) {
    const { message, why, outcome } = toCliError(error);
    if (outcome === 'interrupted') throw error;
    const note = isUnauthorised(error) && api.authority.source === null ? 'not signed in' : (why ?? message);
    notes.push(`no ${what}: ${note}`);
    return null;
  }
}

function duration(seconds: number): string {
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const from = parts.findIndex(([n]) => n > 0);
  if (from === -1) return '0 s';
  return parts
    .slice(from, from + 2)
    .map(([n, unit]) => `${n} ${unit}`)
    .join(' ');
}
