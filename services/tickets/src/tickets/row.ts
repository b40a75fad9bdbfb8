import type { Priority, Ticket, TicketStatus } from '@psa/contracts/tickets';
import type { EventData } from '@psa/service-kit/outbox';

export type SlaState = Ticket['sla_response_state'];

/** A stretch in which both clocks stood still; `until` null: they still do. RFC 3339. */
export interface StoredPause {
  from: string;
  until: string | null;
  reason: string;
}

/** A row of tickets.tickets. Times as PostgreSQL's text or RFC 3339; see toIso. */
export interface TicketRow {
  id: string;
  ticket_number: number;
  title: string;
  description: string;
  status: TicketStatus;
  priority: Priority;
  category: string | null;
  tags: string[];
  source: Ticket['source'];
  customer_id: string;
  requester_id: string | null;
  contact_id: string | null;
  created_by: string | null;
  assigned_to: string | null;
  team_id: string | null;
  sla_policy_id: string | null;
  sla_response_due: string | null;
  sla_resolution_due: string | null;
  sla_response_state: SlaState;
  sla_resolution_state: SlaState;
  /** From when on the clock is at risk (`AT_RISK_SHARE`); null while the clock does not run. */
  sla_response_risk_at: string | null;
  sla_resolution_risk_at: string | null;
  sla_breached: boolean;
  sla_pauses: StoredPause[];
  first_response_at: string | null;
  resolved_at: string | null;
  closed_at: string | null;
  reopen_count: number;
  comment_count: number;
  public_comment_count: number;
  minutes_spent: number;
  external_id: string | null;
  version: number;
  created_at: string;
  updated_at: string;
}

/** The columns of a ticket that its clocks decide. */
export const SLA_COLUMNS = [
  'sla_response_due',
  'sla_resolution_due',
  'sla_response_state',
  'sla_resolution_state',
  'sla_response_risk_at',
  'sla_resolution_risk_at',
  'sla_breached',
] as const;

/** Its columns, in the order of {@link TicketRow}, of the table under the alias `t`. */
export const TICKET_COLUMNS = [
  'id',
  'ticket_number',
  'title',
  'description',
  'status',
  'priority',
  'category',
  'tags',
  'source',
  'customer_id',
  'requester_id',
  'contact_id',
  'created_by',
  'assigned_to',
  'team_id',
  'sla_policy_id',
  ...SLA_COLUMNS,
  'sla_pauses',
  'first_response_at',
  'resolved_at',
  'closed_at',
  'reopen_count',
  'comment_count',
  'public_comment_count',
  'minutes_spent',
  'external_id',
  'version',
  'created_at',
  'updated_at',
] as const satisfies readonly (keyof TicketRow)[];

/** `t.id, t.ticket_number, …` without the columns named. */
export const ticketColumns = (without: readonly string[] = []) =>
  TICKET_COLUMNS.filter((name) => !without.includes(name))
    .map((name) => `t.${name}`)
    .join(', ');

/** What events say of a ticket. */
export const ticketFacts = (row: TicketRow): EventData<'ticket.opened.v1'>['ticket'] => ({
  ticket_id: row.id,
  ticket_number: row.ticket_number,
  title: row.title,
  description: row.description,
  status: row.status,
  priority: row.priority,
  category: row.category,
  tags: row.tags,
  customer_id: row.customer_id,
  requester_id: row.requester_id,
  contact_id: row.contact_id,
  created_by: row.created_by,
  assigned_to: row.assigned_to,
  team_id: row.team_id,
  version: row.version,
});
