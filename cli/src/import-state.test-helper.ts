import { createHash } from 'node:crypto';
import { settled } from '@psa/test-kit/platform';
import type postgres from 'postgres';

/** Rows by what they are, in a fixed order, with names in the place of ids. */
export type ImportState = Readonly<Record<string, readonly unknown[]>>;

/** Given out by the platform, or the time of the import itself: differs from one import to the next. */
const OWN = `'{tenant_id,id,seq,customer_id,contact_id,ticket_id,assigned_to,team_id,role_id,customer_number,
  ticket_number,user_version}'::text[]`;
/** Of rows that another system does not date. */
const DATES = `'{created_at,updated_at}'::text[]`;

const OF_CUSTOMER = 'left join crm.customers c on c.tenant_id = r.tenant_id and c.id = r.customer_id';

/** What is looked at: each query gives `row`. */
const QUERIES: Readonly<Record<string, string>> = {
  customers: `select to_jsonb(r) - ${OWN} - ${DATES} as row from crm.customers r where r.external_id is not null`,
  contacts: `select to_jsonb(r) - ${OWN} - ${DATES} || jsonb_build_object('customer', c.name) as row
    from crm.contacts r ${OF_CUSTOMER} where r.external_id is not null`,
  // The address of somebody imported is made of the id.
  users: `select to_jsonb(r) - ${OWN} - ${DATES} - 'email' - 'search_text' || jsonb_build_object('role', o.name) as row
    from auth.users r join auth.roles o on o.tenant_id = r.tenant_id and o.id = r.role_id where r.external_id is not null`,
  teams: `select to_jsonb(r) - ${OWN} - ${DATES} as row from tickets.teams r where r.external_id is not null`,
  tickets: `select to_jsonb(r) - ${OWN} || jsonb_build_object('customer', c.name, 'contact', p.name, 'assignee', t.name,
      'team', m.name) as row
    from tickets.tickets r ${OF_CUSTOMER}
    left join crm.contacts p on p.tenant_id = r.tenant_id and p.id = r.contact_id
    left join auth.users t on t.tenant_id = r.tenant_id and t.id = r.assigned_to
    left join tickets.teams m on m.tenant_id = r.tenant_id and m.id = r.team_id
    where r.external_source = 'servicenow-log'`,
  history: `select to_jsonb(r) - ${OWN} || jsonb_build_object('customer', c.name, 'ticket', t.external_id) as row
    from tickets.history r ${OF_CUSTOMER} join tickets.tickets t on t.tenant_id = r.tenant_id and t.id = r.ticket_id
    where t.external_source = 'servicenow-log'`,
  tags: `select jsonb_build_object('tag', r.tag, 'ticket', t.external_id, 'customer', c.name) as row
    from tickets.ticket_tags r ${OF_CUSTOMER} join tickets.tickets t on t.tenant_id = r.tenant_id and t.id = r.ticket_id
    where t.external_source = 'servicenow-log'`,
  comments: `select to_jsonb(r) - ${OWN} - ${DATES} as row from tickets.comments r`,
  'read model: customers': `select to_jsonb(r) - ${OWN} as row from tickets.customers r`,
  'read model: people': `select to_jsonb(r) - ${OWN} || jsonb_build_object('customer', c.name) as row
    from tickets.people r ${OF_CUSTOMER}`,
  // A technician asked for before the event of its creation came is written twice, to the same effect.
  'read model: technicians': `select to_jsonb(r) - ${OWN} - ${DATES} - 'version' as row from tickets.technicians r`,
  search: `select jsonb_build_object('type', r.type, 'title', r.title, 'body', r.body,
      'removed', r.removed, 'version', r.version, 'customer', c.name,
      'summary', r.summary - ${OWN}) as row
    from search.documents r ${OF_CUSTOMER}`,
  // Signing in and out leaves events too, and each run does that once more.
  events: `select jsonb_build_object('type', type, 'public', public, 'version', version,
      'external_id', data ->> 'external_id', 'history', data -> 'history') as row
    from events.log where type not like 'user.logged_%'`,
  audit: `select jsonb_build_object('action', action, 'external_id', detail ->> 'external_id') as row
    from auth.audit_log where action not like 'user.logged_%'`,
};

/** Everything that an import leaves in the platform, once every consumer has taken every event. */
export async function importState(sql: postgres.Sql): Promise<ImportState> {
  await settled(sql);
  const state: Record<string, unknown[]> = {};
  for (const [name, query] of Object.entries(QUERIES)) {
    const rows = await sql.unsafe<{ row: unknown }[]>(`${query} order by 1`);
    state[name] = rows.map(({ row }) => row);
  }
  return state;
}

/** How many of each, and a digest of them: two states are the same when these are. */
export function digestOf(state: ImportState): Record<string, string> {
  return Object.fromEntries(
    Object.entries(state).map(([name, rows]) => {
      const hash = createHash('sha256').update(rows.map((row) => JSON.stringify(row)).join('\n'));
      return [name, `${rows.length} ${hash.digest('hex').slice(0, 16)}`];
    }),
  );
}
