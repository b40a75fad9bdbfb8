import type { Priority, TicketStats } from '@psa/app/api/types';
import { QueryFailure } from '@psa/app/components/error-state';
import type { PageModule } from '@psa/app/pages';
import { Link } from '@psa/app/router';
import { useMe } from '@psa/app/session/session';
import { BarChart, StackedBar } from '@psa/ui/charts/charts';
import { PriorityPill, StatusPill } from '@psa/ui/components/pill';
import { EmptyState } from '@psa/ui/components/states';
import { useFormats } from '@psa/ui/i18n/format';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { PRIORITY_LOOK, STATUS_LOOK } from '@psa/ui/look';
import { useQuery } from '@tanstack/react-query';
import { statsQuery, ticketListQuery } from '../api/tickets.ts';
import { DayChart } from '../components/day-chart.tsx';
import { Panel } from '../components/panel.tsx';
import { messages } from '../i18n/dashboard-messages.ts';
import { PRIORITIES, STATUSES } from '../tickets/filter.ts';
import { ShownClock } from '../tickets/shown-clock.tsx';

/** What needs attention now, and how things are going. Every figure leads to its tickets. */
export function Component() {
  const t = messages.useT();
  const me = useMe();
  const stats = useQuery(statsQuery);
  return (
    <div className="page">
      <title>{`${t('title')} · ${me.tenant_name}`}</title>
      <h1>{t('title')}</h1>
      <QueryFailure query={stats} />
      {stats.data && <Figures stats={stats.data} />}
      <div className="dashboard-grid">
        <div className="dashboard-column">
          <MyNext />
          {stats.data && <PerDay stats={stats.data} />}
        </div>
        {stats.data && (
          <div className="dashboard-column">
            <Charts stats={stats.data} />
          </div>
        )}
      </div>
    </div>
  );
}

// Either may fail without the other: the page is shown with what came.
export const prefetch: PageModule['prefetch'] = (queries) =>
  Promise.all([queries.prefetchQuery(statsQuery), queries.prefetchQuery(MY_NEXT)]);

const MY_NEXT = ticketListQuery({
  status: 'open',
  assigned_to: 'me',
  sort: 'sla_due',
  order: 'asc',
  limit: 8,
  count: 'none',
});

function Figures({ stats }: { stats: TicketStats }) {
  const t = messages.useT();
  const formats = useFormats();
  const tiles = [
    { name: t('mine'), value: stats.mine_open, query: 'status=open&assigned_to=me', tone: '' },
    {
      name: t('at_risk'),
      value: stats.sla_at_risk,
      query: 'status=open&sla=at_risk&sort=sla_due&order=asc',
      tone: 'warn',
    },
    {
      name: t('breached'),
      value: stats.sla_breached_open,
      query: 'status=open&sla=breached',
      tone: 'danger',
    },
    {
      name: t('unassigned'),
      value: stats.unassigned,
      query: 'status=open&assigned_to=none',
      tone: '',
    },
  ];
  return (
    <ul className="tiles">
      {tiles.map((tile) => (
        <li key={tile.name}>
          <Link
            className={tile.value > 0 && tile.tone ? `tile tile-${tile.tone}` : 'tile'}
            to={`/tickets?${tile.query}`}
          >
            <span className="tile-value num">{formats.number(tile.value)}</span>
            <span className="tile-name">{tile.name}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

function MyNext() {
  const t = messages.useT();
  const list = useQuery(MY_NEXT);
  return (
    <Panel title={t('my_next')} end={<Link to="/tickets?status=open&assigned_to=me">{t('all_mine')}</Link>}>
      <QueryFailure query={list} />
      {list.data?.rows.length === 0 && <EmptyState icon="circleCheck">{t('my_next_empty')}</EmptyState>}
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
  Object.values(stats.open_by_status).every((value) => value === 0) &&
  stats.created_per_day.every((day) => day.created === 0);

function PerDay({ stats }: { stats: TicketStats }) {
  const t = messages.useT();
  if (isQuiet(stats)) return null;
  return (
    <div className="panel">
      <DayChart title={t('per_day')} days={stats.created_per_day} />
    </div>
  );
}

function Charts({ stats }: { stats: TicketStats }) {
  const t = messages.useT();
  const u = uiMessages.useT();
  if (isQuiet(stats)) {
    return (
      <EmptyState icon="chart" title={t('first')}>
        {t('first_text')}
      </EmptyState>
    );
  }
  return (
    <>
      <div className="panel">
        <StackedBar
          title={t('by_status')}
          data={STATUSES.filter((status) => status in stats.open_by_status).map((status) => ({
            label: u(`status.${status}`),
            value: stats.open_by_status[status] ?? 0,
            tone: STATUS_LOOK[status].tone,
          }))}
        />
      </div>
      <div className="panel">
        <BarChart
          title={t('by_priority')}
          data={PRIORITIES.toReversed().map((priority: Priority) => ({
            label: u(`priority.${priority}`),
            value: stats.open_by_priority[priority] ?? 0,
            tone: PRIORITY_LOOK[priority].tone,
          }))}
        />
      </div>
      <div className="panel">
        <BarChart
          title={t('load')}
          data={stats.load
            .slice(0, 12)
            .map(({ technician, open }) => ({ label: technician.name, value: open }))}
        />
      </div>
    </>
  );
}
