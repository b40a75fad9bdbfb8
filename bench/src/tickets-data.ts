import { corpus } from '@psa/test-kit/corpus';
import type postgres from 'postgres';

/** How much to put in. */
export interface TicketsData {
  readonly tickets: number;
  readonly customers: number;
}

const TEXTS = 4_000;
const TECHNICIANS = 40;

/**
 * Fills the tables that ticket lists read, past row-level security and the events, which would take hours:
 * customers, technicians, tickets, tags. As in a desk of some years: three in four open tickets are younger than
 * six weeks, 3 % of all are open; few customers write much; half are of medium priority; each third has a tag.
 */
export async function fillTickets(admin: postgres.Sql, tenantId: string, data: TicketsData): Promise<void> {
  const sql = await admin.reserve();
  try {
    await sql.unsafe(
      `set maintenance_work_mem = '512MB'; set synchronous_commit = off; set work_mem = '64MB'`,
    );
    const indexes = await sql<{ name: string; definition: string }[]>`
      select indexname as name, indexdef as definition from pg_indexes
      where schemaname = 'tickets' and tablename in ('tickets', 'ticket_tags')
        and indexdef not like 'CREATE UNIQUE%'`;
    // Built once at the end rather than kept up row by row: three times as fast.
    for (const { name } of indexes) await sql.unsafe(`drop index tickets.${name}`);
    await fillPeople(sql, tenantId, data);
    await fillTexts(sql, tenantId);
    // The foreign keys hold by construction; checking each of a million rows takes longer than writing it.
    await sql.unsafe('set session_replication_role = replica');
    await insertTickets(sql, tenantId, data);
    await sql.unsafe('reset session_replication_role');
    for (const { definition } of indexes) await sql.unsafe(definition);
    await sql.unsafe(
      'vacuum (analyze) tickets.tickets, tickets.ticket_tags, tickets.customers, tickets.technicians',
    );
    await sql.unsafe('checkpoint');
  } finally {
    sql.release();
  }
}

async function fillPeople(sql: postgres.ReservedSql, tenantId: string, data: TicketsData): Promise<void> {
  await sql`select setseed(0.42)`;
  await sql`
    create temp table bench_customers as
      select n - 1 as n, gen_random_uuid() as id from generate_series(1, ${data.customers}::int) n`;
  await sql`create unique index on bench_customers (n) include (id)`;
  await sql`
    insert into tickets.customers (tenant_id, customer_id, name, version)
    select ${tenantId}, id, 'Kunde ' || n, 1 from bench_customers`;
  await sql`
    create temp table bench_technicians as
      select n - 1 as n, gen_random_uuid() as id from generate_series(1, ${TECHNICIANS}::int) n`;
  await sql`
    insert into tickets.technicians (tenant_id, id, name)
    select ${tenantId}, id, 'Technician ' || n from bench_technicians`;
}

async function fillTexts(sql: postgres.ReservedSql, tenantId: string): Promise<void> {
  const titles: string[] = [];
  const bodies: string[] = [];
  for (const { title, body } of corpus({ tenantId, tickets: TEXTS, customers: 0 })) {
    titles.push(title);
    bodies.push(body.split('\n\n')[0]!);
  }
  await sql`
    create temp table bench_texts as
      select n - 1 as n, title, body from unnest(${titles}::text[], ${bodies}::text[]) with ordinality as t(title, body, n)`;
  await sql`create unique index on bench_texts (n)`;
  await sql`analyze bench_texts, bench_customers, bench_technicians`;
}

/** Numbers from 1,000,000 on, away from those of the demo. */
async function insertTickets(
  sql: postgres.ReservedSql,
  tenantId: string,
  { tickets, customers }: TicketsData,
) {
  await sql`
    insert into tickets.tickets (tenant_id, id, ticket_number, title, description, status, priority, category, tags,
      source, customer_id, assigned_to, sla_response_state, sla_resolution_state, sla_resolution_due,
      sla_resolution_risk_at, sla_breached,
      resolved_at, closed_at, comment_count, public_comment_count, minutes_spent, version, created_at, updated_at)
    select ${tenantId}, gen_random_uuid(), 1000000 + s.i, x.title, x.body, s.status, s.priority, s.category, s.tags,
      s.source, c.id, w.id, case when s.open then 'running' else 'met' end,
      case when not s.open then 'met' when s.status = 'waiting_customer' then 'paused' else 'running' end,
      case when s.open and s.status <> 'waiting_customer' then s.created_at + interval '8 hours' * (1 + s.i % 5) end,
      case when s.open and s.status <> 'waiting_customer' then s.created_at + interval '6.4 hours' * (1 + s.i % 5) end,
      s.i % 17 = 0, case when not s.open then s.created_at + interval '9 hours' end,
      case when s.status = 'closed' then s.created_at + interval '4 days' end,
      s.i % 6, s.i % 4, s.i % 90, 2 + s.i % 7, s.created_at,
      s.created_at + case when s.open then interval '1 hour' * (s.i % 24) else interval '4 days' end
    from (
      select r.*,
        case when not r.open then case when r.dice < 0.93 then 'closed' else 'resolved' end
          when r.dice < 0.15 then 'new' when r.dice < 0.4 then 'assigned' when r.dice < 0.75 then 'in_progress'
          else 'waiting_customer' end as status,
        case when r.weight < 0.2 then 'low' when r.weight < 0.75 then 'medium' when r.weight < 0.95 then 'high'
          else 'critical' end as priority
      from (
        select i, random() as dice, random() as weight, random() < 0.9 * exp(-age / 0.03) + 0.003 as open,
          now() - interval '1 day' - age * interval '1095 days' as created_at,
          (array['Drucker', 'E-Mail', 'Netzwerk', 'Server', 'Telefonie', 'Arbeitsplatz', 'Zugang', 'Backup'])[1 + floor(random() ^ 1.5 * 8)::int] as category,
          (array['technician', 'email', 'phone', 'portal'])[1 + floor(random() * 4)::int] as source,
          case when i % 3 = 0 then array['tag' || floor(random() ^ 2 * 60)::int] else '{}'::text[] end as tags,
          floor(random() ^ 2 * ${customers}::int)::int as customer,
          floor(random() * ${TECHNICIANS}::int)::int as technician, floor(random() * ${TEXTS}::int)::int as text
        from (select i, (${tickets}::int - i)::float / ${tickets}::int as age from generate_series(1, ${tickets}::int) i) g
      ) r
    ) s
    join bench_texts x on x.n = s.text
    join bench_customers c on c.n = s.customer
    left join bench_technicians w on w.n = s.technician and s.status <> 'new'`;
  await sql`
    insert into tickets.ticket_tags (tenant_id, tag, ticket_id, customer_id)
    select tenant_id, unnest(tags), id, customer_id from tickets.tickets
    where tenant_id = ${tenantId} and ticket_number > 1000000 and tags <> '{}' on conflict do nothing`;
}
