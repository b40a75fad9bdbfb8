import type { ImportTicketRequest } from '@psa/contracts/ticket-import';
import { isDone } from '@psa/domain/ticket-status';
import type { RequestContext } from '@psa/service-kit/context';
import { AppError } from '@psa/service-kit/errors';
import type { TicketsDeps } from '../deps.ts';
import { learn } from '../people/lookup.ts';

type Ticket = ImportTicketRequest['tickets'][number];

/** What an import found out before its transaction. */
export interface PreparedImport {
  /** Why a ticket cannot be taken, by its external id. */
  readonly refused: ReadonlyMap<string, string>;
  readonly teams: ReadonlyMap<string, string>;
  /** How many tickets were not known. */
  readonly fresh: number;
}

/**
 * Checks what the tickets refer to, once per id, and asks crm and auth for what is not known here yet: outside the
 * transaction that writes.
 */
export async function prepareImport(
  deps: TicketsDeps,
  ctx: RequestContext,
  body: ImportTicketRequest,
): Promise<PreparedImport> {
  const found = await lookUp(deps, ctx, body);
  const wanted = [
    ...distinct(body.tickets, (ticket) => ticket.customer_id).map((id) => ({
      kind: 'customer' as const,
      id,
    })),
    ...distinct(body.tickets, (ticket) => ticket.contact_id).map((id) => ({ kind: 'contact' as const, id })),
    ...distinct(body.tickets, (ticket) => ticket.assigned_to).map((id) => ({
      kind: 'technician' as const,
      id,
    })),
  ];
  const missing = wanted.filter(({ kind, id }) => !found[kind].has(id));
  const learned = new Set<string>();
  for (const one of missing) {
    try {
      await learn(deps, ctx, { ...one, field: one.kind });
      learned.add(one.id);
    } catch (error) {
      // Not known there either, or not to be seen: the tickets that name it are refused. Else: try again later.
      if (!(error instanceof AppError) || error.status >= 500) throw error;
    }
  }
  const known = learned.size > 0 ? await lookUp(deps, ctx, body) : found;
  const refused = new Map<string, string>();
  const seen = new Set<string>();
  for (const ticket of body.tickets) {
    const reason = problemOf(ticket, known, seen);
    if (reason !== null) refused.set(ticket.external_id, reason);
    seen.add(ticket.external_id);
  }
  const fresh = body.tickets.filter(
    (ticket) => !refused.has(ticket.external_id) && !known.tickets.has(ticket.external_id),
  ).length;
  return { refused, teams: known.teams, fresh };
}

interface Known {
  readonly customer: ReadonlySet<string>;
  /** Contact to customer. */
  readonly contact: ReadonlyMap<string, string>;
  readonly technician: ReadonlyMap<string, 'here' | 'disabled'>;
  readonly teams: ReadonlyMap<string, string>;
  /** Tickets taken before, to their customer. */
  readonly tickets: ReadonlyMap<string, string>;
}

function problemOf(ticket: Ticket, known: Known, seen: ReadonlySet<string>): string | null {
  if (seen.has(ticket.external_id)) return 'external_id: stands twice in this request';
  if (!known.customer.has(ticket.customer_id.toLowerCase())) return 'customer_id: there is no such customer';
  if (
    ticket.contact_id &&
    known.contact.get(ticket.contact_id.toLowerCase()) !== ticket.customer_id.toLowerCase()
  ) {
    return 'contact_id: there is no such contact of this customer';
  }
  const assignee = ticket.assigned_to && known.technician.get(ticket.assigned_to.toLowerCase());
  if (assignee === undefined) return 'assigned_to: there is no such technician';
  // What is done keeps the name of who did it; what is open would be seen by nobody.
  if (assignee === 'disabled' && !isDone(ticket.status)) {
    return 'assigned_to: this technician was disabled, and the ticket is open; name somebody else or nobody';
  }
  if (ticket.team_external_id && !known.teams.has(ticket.team_external_id)) {
    return 'team_external_id: there is no such team of this source';
  }
  const customer = known.tickets.get(ticket.external_id);
  if (customer !== undefined && customer !== ticket.customer_id.toLowerCase()) {
    return 'customer_id: the ticket was taken for another customer before';
  }
  if (new Date(ticket.updated_at) < new Date(ticket.created_at)) return 'updated_at: lies before created_at';
  const rows = ticket.history.map((entry) => entry.row_id);
  return new Set(rows).size < rows.length ? 'history: a row_id stands twice' : null;
}

const distinct = (tickets: readonly Ticket[], id: (ticket: Ticket) => string | null) => [
  ...new Set(tickets.map(id).flatMap((one) => (one === null ? [] : [one.toLowerCase()]))),
];

function lookUp(deps: TicketsDeps, ctx: RequestContext, body: ImportTicketRequest): Promise<Known> {
  const tenantId = ctx.scope.tenant_id;
  const teamIds = [...new Set(body.tickets.flatMap((ticket) => ticket.team_external_id ?? []))];
  return deps.db.read(ctx.scope, async ({ sql }) => {
    const [customers, contacts, technicians, teams, tickets] = await Promise.all([
      sql<{ id: string }[]>`
        select customer_id as id from customers where tenant_id = ${tenantId} and deleted_at is null
          and customer_id = any(${distinct(body.tickets, (ticket) => ticket.customer_id)}::uuid[])`,
      sql<{ id: string; customer_id: string }[]>`
        select id, customer_id from people where tenant_id = ${tenantId} and deleted_at is null and kind = 'contact'
          and id = any(${distinct(body.tickets, (ticket) => ticket.contact_id)}::uuid[])`,
      sql<{ id: string; state: 'here' | 'disabled' }[]>`
        select id, case when disabled then 'disabled' else 'here' end as state from technicians
        where tenant_id = ${tenantId} and deleted_at is null and disabled is not null
          and id = any(${distinct(body.tickets, (ticket) => ticket.assigned_to)}::uuid[])`,
      sql<{ id: string; external_id: string }[]>`
        select id, external_id from teams where tenant_id = ${tenantId} and external_source = ${body.source}
          and external_id = any(${teamIds}::text[]) and deleted_at is null`,
      sql<{ external_id: string; customer_id: string }[]>`
        select external_id, customer_id from tickets where tenant_id = ${tenantId} and external_source = ${body.source}
          and external_id = any(${body.tickets.map((ticket) => ticket.external_id)}::text[])`,
    ]);
    return {
      customer: new Set(customers.map((row) => row.id)),
      contact: new Map(contacts.map((row) => [row.id, row.customer_id])),
      technician: new Map(technicians.map((row) => [row.id, row.state])),
      teams: new Map(teams.map((row) => [row.external_id, row.id])),
      tickets: new Map(tickets.map((row) => [row.external_id, row.customer_id])),
    };
  });
}
