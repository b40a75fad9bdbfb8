import type { ImportTicketRequest } from '@psa/contracts/ticket-import';
import type { TicketStatus } from '@psa/contracts/tickets';
import type { LogRow } from './servicenow-row.ts';

type ImportedTicket = ImportTicketRequest['tickets'][number];
type ImportedChange = ImportedTicket['history'][number];

/** The name under which the platform remembers where these things come from. */
export const SOURCE = 'servicenow-log';
/** Incidents whose place nobody knows belong to this customer. */
export const UNKNOWN_CUSTOMER = 'Unbekannt';

/** A ticket as the file tells it: people and places by name. */
export interface Incident {
  readonly ticket: Omit<ImportedTicket, 'customer_id' | 'contact_id' | 'assigned_to'>;
  readonly customer: string;
  readonly contact: string | null;
  readonly assignedTo: string | null;
  /** Every name in its rows, so that people and places exist even if the ticket has left them. */
  readonly customers: readonly string[];
  readonly teams: readonly string[];
  readonly technicians: readonly string[];
  /** The rows that were taken, by line. */
  readonly lines: readonly number[];
}

/** A row that says nothing new: the same as an earlier one. */
export interface Repeated {
  readonly row: LogRow;
  readonly first: LogRow;
}

/** The rows of one incident without repetitions, in the order in which they happened. */
export function arrange(rows: readonly LogRow[]): { rows: LogRow[]; repeated: Repeated[] } {
  const first = new Map<string, LogRow>();
  const repeated: Repeated[] = [];
  for (const row of [...rows].sort((a, b) => a.line - b.line)) {
    const known = first.get(row.rowId);
    if (known) repeated.push({ row, first: known });
    else first.set(row.rowId, row);
  }
  return { rows: [...first.values()].sort(byTime), repeated };
}

const byTime = (a: LogRow, b: LogRow) =>
  Date.parse(a.updatedAt) - Date.parse(b.updatedAt) || a.modCount - b.modCount || a.line - b.line;

/**
 * The status of the ticket after a row. A new incident that a person already has is `assigned`, because a
 * ticket in `new` stands in the queue of those that nobody has.
 */
export function statusOf(row: Pick<LogRow, 'status' | 'assignedTo'>): TicketStatus {
  return row.status === 'new' && row.assignedTo !== null ? 'assigned' : row.status;
}

/** `Awaiting Vendor` → `awaiting-vendor`: who is waited for, when it is not the customer. Null otherwise. */
export function waitingTag(row: Pick<LogRow, 'state' | 'status'>): string | null {
  return row.state.startsWith('Awaiting ') && row.status !== 'waiting_customer'
    ? row.state.toLowerCase().replaceAll(' ', '-')
    : null;
}

/** Name under which a caller is known: a person at two companies is two contacts. */
export const contactKey = (customer: string, contact: string) => `${customer} / ${contact}`;

/** All rows of one incident, arranged, as one ticket. @throws when there are none. */
export function toIncident(rows: readonly LogRow[]): Incident {
  const first = rows[0];
  const last = rows.at(-1);
  if (!first || !last) throw new Error('An incident needs at least one row.');
  const customer = lastKnown(rows, (row) => row.location) ?? UNKNOWN_CUSTOMER;
  const status = statusOf(last);
  const tag = waitingTag(last);
  return {
    customer,
    contact: last.caller ?? lastKnown(rows, (row) => row.caller),
    assignedTo: last.assignedTo,
    customers: distinct([customer, ...rows.map((row) => row.location)]),
    teams: distinct(rows.map((row) => row.group)),
    technicians: distinct(rows.flatMap((row) => [row.assignedTo, row.resolvedBy, row.updatedBy])),
    lines: rows.map((row) => row.line),
    ticket: {
      external_id: last.number,
      title: titleOf(last),
      description: descriptionOf(last),
      status,
      priority: last.priority,
      category: last.facts.category === undefined ? null : clip(last.facts.category, 50),
      team_external_id: last.group,
      tags: tag === null ? [] : [tag],
      // Where the log says that it was opened after all that happened, the first row knows better.
      created_at: Date.parse(first.openedAt) <= Date.parse(last.updatedAt) ? first.openedAt : first.updatedAt,
      updated_at: last.updatedAt,
      first_response_at: rows.find((row) => row.status !== 'new')?.updatedAt ?? null,
      ...ends(rows, last),
      reopen_count: Math.max(...rows.map((row) => row.reopenCount)),
      sla_breached: !last.madeSla,
      history: rows.map((row, i) => toChange(row, rows[i - 1] ?? null)),
    },
  };
}

/**
 * When the work ended. The file repeats the last resolution on every row, also on those before it, so it
 * counts only once the state says so; where it is unknown, the row that brought the state stands in.
 */
function ends(
  rows: readonly LogRow[],
  last: LogRow,
): { resolved_at: string | null; closed_at: string | null } {
  const done = (row: LogRow) => row.status === 'resolved' || row.status === 'closed';
  if (!done(last)) return { resolved_at: null, closed_at: null };
  const sinceReopened = rows.slice(rows.findLastIndex((row) => !done(row)) + 1);
  const resolved = last.resolvedAt ?? sinceReopened[0]!.updatedAt;
  if (last.status !== 'closed') return { resolved_at: resolved, closed_at: null };
  const closed = sinceReopened.find((row) => row.status === 'closed')!.updatedAt;
  return { resolved_at: resolved, closed_at: last.closedAt ?? closed };
}

// ── History ──────────────────────────────────────────────────────────────────

/** What the history follows, under the platform's names where it has one. */
const FOLLOWED: readonly [field: string, of: (row: LogRow) => string | null][] = [
  ['status', statusOf],
  ['waiting_for', (row) => waitingTag(row)?.replace('awaiting-', '') ?? null],
  ['priority', (row) => row.priority],
  ['team', (row) => row.group],
  ['assigned_to', (row) => row.assignedTo],
  ['customer', (row) => row.location],
  ['contact', (row) => row.caller],
  ['category', (row) => row.facts.category ?? null],
  ['subcategory', (row) => row.facts.subcategory ?? null],
  ['symptom', (row) => row.facts.u_symptom ?? null],
  ['impact', (row) => row.facts.impact ?? null],
  ['urgency', (row) => row.facts.urgency ?? null],
  ['configuration_item', (row) => row.facts.cmdb_ci ?? null],
  ['problem', (row) => row.facts.problem_id ?? null],
  ['change', (row) => row.facts.rfc ?? null],
  ['knowledge', (row) => row.facts.knowledge ?? null],
  ['priority_confirmed', (row) => row.facts.u_priority_confirmation ?? null],
  ['reopen_count', (row) => (row.reopenCount === 0 ? null : String(row.reopenCount))],
  ['sla_breached', (row) => (row.madeSla ? null : 'true')],
];

/** A row as one entry of the history: what it changed against the row before it. */
function toChange(row: LogRow, before: LogRow | null): ImportedChange {
  const changes = FOLLOWED.flatMap(([field, of]) => {
    const from = before && of(before);
    const to = of(row);
    return from === to ? [] : [{ field, from, to }];
  });
  return {
    occurred_at: row.updatedAt,
    actor_name: row.updatedBy,
    kind: before ? 'changed' : 'created',
    changes,
    row_id: row.rowId,
  };
}

// ── Words ────────────────────────────────────────────────────────────────────

function titleOf(row: LogRow): string {
  const { category, subcategory, u_symptom } = row.facts;
  const parts = [category, subcategory, u_symptom].filter((part) => part !== undefined);
  return clip(parts.length === 0 ? `Incident ${row.number}` : parts.join(' · '), 200);
}

const DESCRIBED: readonly [label: string, column: string][] = [
  ['Category', 'category'],
  ['Subcategory', 'subcategory'],
  ['Symptom', 'u_symptom'],
  ['Impact', 'impact'],
  ['Urgency', 'urgency'],
  ['Configuration item', 'cmdb_ci'],
  ['Reported by', 'contact_type'],
  ['Opened by', 'opened_by'],
  ['Problem', 'problem_id'],
  ['Change', 'rfc'],
  ['Caused by', 'caused_by'],
  ['Vendor', 'vendor'],
];

function descriptionOf(row: LogRow): string {
  const lines = [`Incident ${row.number}`];
  for (const [label, column] of DESCRIBED) {
    const value = row.facts[column];
    if (value !== undefined) lines.push(`${label}: ${value}`);
  }
  if (row.status === 'resolved' || row.status === 'closed') {
    if (row.resolvedBy) lines.push(`Resolved by: ${row.resolvedBy}`);
    if (row.facts.closed_code) lines.push(`Closed as: ${row.facts.closed_code}`);
  }
  return lines.join('\n');
}

const clip = (text: string, longest: number) =>
  text.length <= longest ? text : `${text.slice(0, longest - 1).trimEnd()}…`;

const distinct = (names: readonly (string | null)[]) => [...new Set(names.filter((name) => name !== null))];

const lastKnown = (rows: readonly LogRow[], of: (row: LogRow) => string | null): string | null =>
  rows.map(of).findLast((value) => value !== null) ?? null;
