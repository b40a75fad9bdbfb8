import { normalTags } from '@psa/contracts/tags';
import {
  type ListTicketsQuery,
  OPEN_STATUSES,
  type SlaFilter,
  type TicketStatus,
} from '@psa/contracts/tickets';
import { splitWords } from '@psa/contracts/words';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { type Fragment, visibleTickets } from '../policies/ticket.ts';

/** What of a query says which tickets, whatever their order and page. */
export type TicketFilters = Pick<
  ListTicketsQuery,
  | 'status'
  | 'priority'
  | 'customer_id'
  | 'assigned_to'
  | 'team_id'
  | 'category'
  | 'tag'
  | 'source'
  | 'sla'
  | 'watching'
  | 'created_after'
  | 'created_before'
  | 'updated_after'
  | 'updated_before'
>;

/** Text, as a quoted SQL literal: closed sets checked by the schema, written out so that partial indexes fit. */
const literals = (values: readonly string[]) =>
  values.map((value) => `'${value.replaceAll("'", "''")}'`).join(', ');

/** What meets each of the conditions; none lets everything through. */
export const allOf = (tx: Tx, conditions: readonly Fragment[]): Fragment =>
  conditions.reduce<Fragment>((all, one) => tx.sql`${all} and ${one}`, tx.sql`true`);

const each = (text: string) => [...new Set(text.split(','))];
const either = (tx: Tx, parts: readonly Fragment[]): Fragment =>
  parts.length === 1
    ? parts[0]!
    : tx.sql`(${parts.reduce<Fragment>((all, one) => tx.sql`${all} or ${one}`, tx.sql`false`)})`;

/** One value as `=`, which an index reads in the order of the list; several as a set. */
const among = (tx: Tx, column: string, type: 'uuid' | 'text', values: readonly string[]): Fragment => {
  const { sql } = tx;
  return values.length === 1
    ? sql`${sql.unsafe(column)} = ${values[0]!}`
    : sql`${sql.unsafe(column)} = any(${[...values]}::${sql.unsafe(type)}[])`;
};

/** The customer, where the filter names one alone. */
export const oneCustomer = ({ customer_id }: TicketFilters): string | undefined =>
  customer_id?.includes(',') ? undefined : customer_id;

/** Which tickets a filter leaves, of those that the asker may see: conditions on `t`, all of which hold. */
export function filters(tx: Tx, ctx: RequestContext, query: TicketFilters, now: Date): Fragment[] {
  const { sql } = tx;
  const where: Fragment[] = [sql`t.tenant_id = ${ctx.scope.tenant_id} and t.deleted_at is null`];
  if (query.status) {
    const wanted = new Set(
      each(query.status).flatMap((name) => (name === 'open' ? [...OPEN_STATUSES] : [name as TicketStatus])),
    );
    where.push(sql`t.status in (${sql.unsafe(literals([...wanted]))})`);
  }
  // By rank, which has the index for sorting by priority too.
  if (query.priority) where.push(sql`t.priority in (${sql.unsafe(literals(each(query.priority)))})`);
  if (query.source) where.push(sql`t.source in (${sql.unsafe(literals(each(query.source)))})`);
  if (query.customer_id) where.push(among(tx, 't.customer_id', 'uuid', each(query.customer_id)));
  if (query.assigned_to) where.push(assignedTo(tx, ctx, each(query.assigned_to)));
  if (query.team_id) where.push(ofTeams(tx, ctx, each(query.team_id)));
  if (query.category) where.push(ofCategories(tx, query.category));
  if (query.tag) {
    where.push(sql`t.id in (select g.ticket_id from ticket_tags g
      where g.tenant_id = ${ctx.scope.tenant_id} and ${among(tx, 'g.tag', 'text', normalTags(each(query.tag)))})`);
  }
  if (query.watching !== undefined) {
    where.push(sql`${query.watching ? sql`` : sql`not`} exists (select from watchers w
      where w.tenant_id = t.tenant_id and w.ticket_id = t.id and w.user_id = ${ctx.actor.id})`);
  }
  if (query.sla) {
    const phases = each(query.sla) as SlaFilter[];
    where.push(
      either(
        tx,
        phases.map((phase) => inPhase(tx, phase, now)),
      ),
    );
  }
  if (query.created_after) where.push(sql`t.created_at >= ${query.created_after}`);
  if (query.created_before) where.push(sql`t.created_at < ${query.created_before}`);
  if (query.updated_after) where.push(sql`t.updated_at >= ${query.updated_after}`);
  if (query.updated_before) where.push(sql`t.updated_at < ${query.updated_before}`);
  where.push(visibleTickets(tx, ctx));
  return where;
}

function assignedTo(tx: Tx, ctx: RequestContext, names: readonly string[]): Fragment {
  const people = new Set(
    names.filter((name) => name !== 'none').map((name) => (name === 'me' ? ctx.actor.id! : name)),
  );
  const parts: Fragment[] = [];
  if (names.includes('none')) parts.push(tx.sql`t.assigned_to is null`);
  if (people.size > 0) parts.push(among(tx, 't.assigned_to', 'uuid', [...people]));
  return either(tx, parts);
}

function ofTeams(tx: Tx, ctx: RequestContext, names: readonly string[]): Fragment {
  const ids = names.filter((name) => name !== 'mine' && name !== 'none');
  const parts: Fragment[] = [];
  if (names.includes('none')) parts.push(tx.sql`t.team_id is null`);
  if (names.includes('mine')) parts.push(ofMyTeams(tx, ctx));
  if (ids.length > 0) parts.push(among(tx, 't.team_id', 'uuid', ids));
  return either(tx, parts);
}

/** What one of the asker's teams has, or somebody in one of them: many desks name a person only. */
export function ofMyTeams(tx: Tx, ctx: RequestContext): Fragment {
  const { sql } = tx;
  const mine = sql`select m.team_id from team_members m
    where m.tenant_id = ${ctx.scope.tenant_id} and m.user_id = ${ctx.actor.id}`;
  return sql`(t.team_id in (${mine}) or t.assigned_to in (select c.user_id from team_members c
    where c.tenant_id = ${ctx.scope.tenant_id} and c.team_id in (${mine})))`;
}

/** Links from before several could be named write a comma inside a name as it is: the whole is a name as well. */
function ofCategories(tx: Tx, text: string): Fragment {
  const names = splitWords(text);
  return among(tx, 't.category', 'text', [
    ...new Set(names.length > 1 ? [...names, text] : [names[0] ?? text]),
  ]);
}

/** A clock stands so; several phases of a ticket may hold at once. */
export function inPhase(tx: Tx, phase: SlaFilter, now: Date): Fragment {
  const { sql } = tx;
  const at = now.toISOString();
  switch (phase) {
    case 'ok':
      return sql`(t.sla_due_at >= ${at} and (t.sla_risk_at is null or t.sla_risk_at > ${at}))`;
    case 'at_risk':
      return sql`(${atRisk(tx, now)})`;
    case 'overdue':
      return sql`t.sla_due_at < ${at}`;
    case 'breached':
      return sql`t.sla_breached`;
    case 'paused':
      return sql`(t.sla_response_state = 'paused' or t.sla_resolution_state = 'paused')`;
    case 'none':
      return sql`(t.sla_response_state = 'none' and t.sla_resolution_state = 'none')`;
  }
}

/**
 * One of the clocks is in phase `at_risk` at `now`. The first condition is the index's (tickets_risk); the rest leaves
 * out what fell due a moment ago and waits for its timer.
 */
export function atRisk(tx: Tx, now: Date): Fragment {
  const at = now.toISOString();
  const { sql } = tx;
  return sql`t.sla_risk_at <= ${at} and ((t.sla_response_risk_at <= ${at} and t.sla_response_due >= ${at})
    or (t.sla_resolution_risk_at <= ${at} and t.sla_resolution_due >= ${at}))`;
}
