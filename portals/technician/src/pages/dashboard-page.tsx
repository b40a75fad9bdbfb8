import type { Priority, TicketStats } from '@psa/app/api/types';
import { QueryFailure } from '@psa/app/components/error-state';
import type { PageModule } from '@psa/app/pages';
import { Link, useSearchParams } from '@psa/app/router';
import { useMe } from '@psa/app/session/session';
import { BarChart, StackedBar } from '@psa/ui/charts/charts';
import { Avatar } from '@psa/ui/components/avatar';
import { PriorityPill, StatusPill } from '@psa/ui/components/pill';
import { EmptyState } from '@psa/ui/components/states';
import { useFormats } from '@psa/ui/i18n/format';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { PRIORITY_LOOK, STATUS_LOOK } from '@psa/ui/look';
import { readSetting, writeSetting } from '@psa/ui/settings';
import { useQuery } from '@tanstack/react-query';
import { statsQuery, TICKET_SCOPES, type TicketScope, ticketListQuery } from '../api/tickets.ts';
import { DayChart } from '../components/day-chart.tsx';
import { Panel } from '../components/panel.tsx';
import { messages } from '../i18n/dashboard-messages.ts';
import { PRIORITIES, STATUSES } from '../tickets/filter.ts';
import { ShownClock } from '../tickets/shown-clock.tsx';

const SETTING = 'view.dashboard';

/** The condition of the list that means the same. */
const WHOSE: Record<TicketScope, string> = { mine: 'assigned_to=me', team: 'team_id=mine', all: '' };
const listOf = (of: TicketScope, ...more: string[]) =>
  `/tickets?${['status=open', WHOSE[of], ...more].filter((part) => part !== '').join('&')}`;

/** Whose figures are shown: by the address, else as last time. */
function scopeAt(params: URLSearchParams): TicketScope {
  const wanted = params.get('of') ?? readSetting(SETTING);
  return TICKET_SCOPES.find((one) => one === wanted) ?? 'all';
}

/** What needs attention now, and how things are going. Every figure leads to its tickets. */
export function Component() {
  const t = messages.useT();
  const me = useMe();
  const [params] = useSearchParams();
  const of = scopeAt(params);
  const stats = useQuery(statsQuery(of));
  return (
    <div className="page">
      <title>{`${t('title')} · ${me.tenant_name}`}</title>
      <div className="page-head">
        <h1>{t('title')}</h1>
        <span className="spacer" />
        <nav className="scope" aria-label={t('whose')}>
          {TICKET_SCOPES.map((one) => (
            <Link
              key={one}
              to={`/?of=${one}`}
              replace
              className="scope-link"
              aria-current={one === of ? 'page' : undefined}
              onClick={() => writeSetting(SETTING, one)}
            >
              {t(`of_${one}`)}
            </Link>
          ))}
        </nav>
      </div>
      <QueryFailure query={stats} />
      {stats.data && <Figures stats={stats.data} of={of} />}
      <div className="dashboard-grid">
        <div className="dashboard-column">
          <Next of={of} />
          {stats.data && <PerDay stats={stats.data} of={of} />}
        </div>
        {stats.data && (
          <div className="dashboard-column">
            <Charts stats={stats.data} of={of} />
          </div>
        )}
      </div>
    </div>
  );
}

// Either may fail without the other: the page is shown with what came.
export const prefetch: PageModule['prefetch'] = (queries, { url }) => {
  const of = scopeAt(url.searchParams);
  return Promise.all([queries.prefetchQuery(statsQuery(of)), queries.prefetchQuery(nextQuery(of))]);
};

const nextQuery = (of: TicketScope) =>
  ticketListQuery({
    status: 'open',
    ...Object.fromEntries(new URLSearchParams(WHOSE[of])),
    sort: 'sla_due',
    order: 'asc',
    limit: 6,
    count: 'none',
  });

interface PartProps {
  stats: TicketStats;
  of: TicketScope;
}

const openOf = (stats: TicketStats) => Object.values(stats.open_by_status).reduce((sum, n) => sum + n, 0);

function Figures({ stats, of }: PartProps) {
  const t = messages.useT();
  const formats = useFormats();
  const tiles = [
    of === 'mine'
      ? { name: t('mine'), value: stats.mine_open, to: listOf(of), tone: '' }
      : { name: t(`open_${of}`), value: openOf(stats), to: listOf(of), tone: '' },
    {
      name: t('at_risk'),
      value: stats.sla_at_risk,
      to: listOf(of, 'sla=at_risk', 'sort=sla_due', 'order=asc'),
      tone: 'warn',
    },
    {
      name: t('breached'),
      value: stats.sla_breached_open,
      to: listOf(of, 'sla=breached'),
      tone: 'danger',
    },
    ...(of === 'mine'
      ? [
          {
            name: t('waiting'),
            value: stats.open_by_status.waiting_customer ?? 0,
            to: '/tickets?status=waiting_customer&assigned_to=me',
            tone: '',
          },
        ]
      : [
          {
            name: t('unassigned'),
            value: stats.unassigned,
            to: listOf(of, 'assigned_to=none'),
            tone: '',
          },
        ]),
  ];
  return (
    <ul className="tiles">
      {tiles.map((tile) => (
        <li key={tile.name}>
          <Link className={tile.value > 0 && tile.tone ? `tile tile-${tile.tone}` : 'tile'} to={tile.to}>
            <span className="tile-value num">{formats.number(tile.value)}</span>
            <span className="tile-name">{tile.name}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

function Next({ of }: { of: TicketScope }) {
  const t = messages.useT();
  const list = useQuery(nextQuery(of));
  return (
    <Panel
      title={t('my_next')}
      end={<Link to={listOf(of, 'sort=sla_due', 'order=asc')}>{t(`next_${of}`)}</Link>}
    >
      <QueryFailure query={list} />
      {list.data?.rows.length === 0 && (
        <EmptyState icon="circleCheck">{t(of === 'mine' ? 'my_next_empty' : 'next_empty')}</EmptyState>
      )}
      <ul className="next-list">
        {list.data?.rows.map((ticket) => (
          <li key={ticket.id}>
            <Link className="next-link" to={`/tickets/${ticket.id}`}>
              <PriorityPill priority={ticket.priority} compact />
              <span className="next-title">
                <span className="clip">{ticket.title}</span>
                <span className="muted clip">
                  #{ticket.ticket_number} · {ticket.customer?.name}
                </span>
              </span>
              {of !== 'mine' && ticket.assignee && (
                <span className="next-person" title={ticket.assignee.name}>
                  <Avatar name={ticket.assignee.name} />
                  <span className="visually-hidden">{ticket.assignee.name}</span>
                </span>
              )}
              <StatusPill status={ticket.status} />
              <ShownClock sla={ticket.sla} />
            </Link>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** Nothing open and nothing lately: figures would all be zero. */
const isQuiet = (stats: TicketStats) =>
  openOf(stats) === 0 && stats.created_per_day.every((day) => day.created === 0);

function PerDay({ stats, of }: PartProps) {
  const t = messages.useT();
  if (isQuiet(stats)) return null;
  return (
    <div className="panel">
      <DayChart
        title={t('per_day')}
        days={stats.created_per_day}
        linkOf={(day) =>
          `/tickets?${[
            WHOSE[of],
            `created_after=${day}T00:00:00Z`,
            `created_before=${nextDay(day)}T00:00:00Z`,
          ]
            .filter((part) => part !== '')
            .join('&')}`
        }
      />
    </div>
  );
}

const nextDay = (day: string) =>
  new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);

function Charts({ stats, of }: PartProps) {
  const t = messages.useT();
  const u = uiMessages.useT();
  if (isQuiet(stats)) {
    return (
      <EmptyState icon="chart" title={t(of === 'all' ? 'first' : 'quiet')}>
        {t(of === 'all' ? 'first_text' : 'quiet_text')}
      </EmptyState>
    );
  }
  return (
    <>
      <div className="panel">
        <StackedBar
          title={t('by_status')}
          link={Link}
          data={STATUSES.filter((status) => status in stats.open_by_status).map((status) => ({
            label: u(`status.${status}`),
            value: stats.open_by_status[status] ?? 0,
            tone: STATUS_LOOK[status].tone,
            to: `/tickets?${[`status=${status}`, WHOSE[of]].filter((part) => part !== '').join('&')}`,
          }))}
        />
      </div>
      <div className="panel">
        <BarChart
          title={t('by_priority')}
          link={Link}
          data={PRIORITIES.toReversed().map((priority: Priority) => ({
            label: u(`priority.${priority}`),
            value: stats.open_by_priority[priority] ?? 0,
            tone: PRIORITY_LOOK[priority].tone,
            to: listOf(of, `priority=${priority}`),
          }))}
        />
      </div>
      {of !== 'mine' && (
        <div className="panel">
          <BarChart
            title={t('load')}
            link={Link}
            data={stats.load.slice(0, 12).map(({ technician, open }) => ({
              label: technician.name,
              value: open,
              to: listOf(of, `assigned_to=${technician.id}`),
            }))}
          />
        </div>
      )}
    </>
  );
}
