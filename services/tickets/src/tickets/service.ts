import type { ErrorDetail } from '@psa/contracts/common';
import type { DetailCode } from '@psa/contracts/detail-codes';
import { normalTags } from '@psa/contracts/tags';
import type { CreateTicketRequest, Ticket, TicketStatus, UpdateTicketRequest } from '@psa/contracts/tickets';
import { pausesFromHistory, pickPolicy } from '@psa/domain/sla';
import { can } from '@psa/service-kit/app';
import { isPortal, type RequestContext } from '@psa/service-kit/context';
import { type Tx, toIso } from '@psa/service-kit/database';
import { forbidden, invalid } from '@psa/service-kit/errors';
import { type AnyNewEvent, emit, type NewEvent } from '@psa/service-kit/outbox';
import { removeFiles } from '../attachments/repository.ts';
import type { TicketsDeps } from '../deps.ts';
import type { DeskSettings } from '../desk/settings.ts';
import { historyRows, insertHistory, type NewHistory, statusHistory } from '../history/repository.ts';
import { UnknownReference } from '../people/lookup.ts';
import { deskAndCustomer, findContact, findTechnician, teamExists } from '../people/repository.ts';
import { losingSight } from '../policies/ticket.ts';
import { instant, type SlaOutcome, slaOutcome } from '../sla/clock.ts';
import { assign, noteAssigned } from './assignment.ts';
import { listedCategory } from './choices.ts';
import { ASSIGNMENT_FIELDS, type Change, decideChange, transitionForbidden } from './domain.ts';
import { drawNumbers } from './numbers.ts';
import { insertTicket, loadTicket, replaceTags, replaceTicketTimers, updateTicket } from './repository.ts';
import { SLA_COLUMNS, type StoredPause, type TicketRow, ticketFacts } from './row.ts';
import { fullView, transitionsFor } from './view.ts';

/** A ticket event for its customer's audience; `public: false` keeps it from portal users. */
export const ticketEvent = <T extends AnyNewEvent['type']>(
  type: T,
  row: TicketRow,
  data: NewEvent<T>['data'],
  isPublic = true,
): NewEvent<T> => ({
  type,
  aggregate: { type: 'ticket', id: row.id },
  data,
  customer_id: row.customer_id,
  public: isPublic,
});

interface References {
  customer_id: string | null;
  contact_id?: string | null | undefined;
  assigned_to?: string | null | undefined;
  team_id?: string | null | undefined;
}

/** Looks up what a request refers to, all in one round trip. @throws UnknownReference, 400 */
async function checkReferences(tx: Tx, ctx: RequestContext, refs: References, needCustomer: boolean) {
  const [{ revision, customer }, contact, technician, team] = await Promise.all([
    deskAndCustomer(tx, ctx, needCustomer ? refs.customer_id : null),
    refs.contact_id ? findContact(tx, ctx, refs.contact_id) : null,
    refs.assigned_to ? findTechnician(tx, ctx, refs.assigned_to) : null,
    refs.team_id ? teamExists(tx, ctx, refs.team_id) : true,
  ]);
  const portal = isPortal(ctx);
  const missing = [
    // A portal user cannot name another company, and may not ask crm about its own.
    ...(needCustomer && refs.customer_id && !customer && !portal
      ? [{ kind: 'customer' as const, id: refs.customer_id, field: 'customer_id' }]
      : []),
    ...(refs.contact_id && !contact
      ? [{ kind: 'contact' as const, id: refs.contact_id, field: 'contact_id' }]
      : []),
    ...(refs.assigned_to && !technician
      ? [{ kind: 'technician' as const, id: refs.assigned_to, field: 'assigned_to' }]
      : []),
  ];
  const wrong = (field: string, code: DetailCode, message: string): ErrorDetail[] => [
    { field, code, message },
  ];
  const problems = [
    ...(customer?.deleted ? wrong('customer_id', 'not_found', 'there is no such customer') : []),
    ...(contact && (contact.deleted || contact.customer_id !== refs.customer_id)
      ? wrong('contact_id', 'not_found', 'there is no such contact of this customer')
      : []),
    ...(technician && !technician.usable
      ? wrong('assigned_to', 'not_a_technician', 'there is no such technician, or it was disabled')
      : []),
    ...(team ? [] : wrong('team_id', 'not_found', 'there is no such team')),
  ];
  if (problems.length > 0) throw invalid(...problems);
  if (missing.length > 0) {
    if (portal) throw invalid(...missing.flatMap(({ field }) => wrong(field, 'not_found', 'is not known')));
    throw new UnknownReference(missing);
  }
  return { revision, customer };
}

/**
 * Opens a ticket: two round trips in the warm case, one to look up what it refers to and to draw its number, one to
 * write ticket, history, timers and event and to commit.
 */
export async function openTicket(
  deps: TicketsDeps,
  tx: Tx,
  ctx: RequestContext,
  body: CreateTicketRequest,
): Promise<Ticket> {
  const portal = isPortal(ctx);
  const customerId = portal ? ctx.scope.customer_id : (body.customer_id ?? null);
  if (customerId === null) throw invalid({ field: 'customer_id', code: 'required', message: 'is required' });
  if (portal) {
    if (body.customer_id && body.customer_id !== customerId) {
      throw invalid({ field: 'customer_id', code: 'not_found', message: 'there is no such customer' });
    }
    for (const field of ['assigned_to', 'team_id'] as const) {
      if (body[field]) throw forbidden(`You may not set ${field}.`);
    }
  } else if ((body.assigned_to || body.team_id) && !can(ctx, 'ticket:assign')) {
    throw forbidden('This needs the permission ticket:assign.');
  }
  const refs = { ...body, customer_id: customerId };
  const [{ revision, customer }, category, [number]] = await Promise.all([
    checkReferences(tx, ctx, refs, true),
    listedCategory(tx, ctx, body.category ?? null),
    drawNumbers(tx, 1),
  ]);
  const settings = await deps.settings.at(tx, ctx, revision);

  const at = deps.clock.now();
  const now = at.toISOString();
  const priority = body.priority ?? 'medium';
  const chosen =
    body.assigned_to || body.team_id
      ? null
      : await assign(
          tx,
          settings,
          { customer_id: customerId, category, priority },
          customer?.preferred_technician_id ?? null,
        );
  const { policy } = pickPolicy(
    { sla_policy_id: customer?.sla_policy_id ?? null },
    priority,
    settings.offered,
  );
  const assignedTo = body.assigned_to ?? chosen?.assigned_to ?? null;
  const row: TicketRow = {
    id: deps.ids.uuid(),
    ticket_number: number!,
    title: body.title.trim(),
    description: body.description,
    status: assignedTo === null ? 'new' : 'assigned',
    priority,
    category,
    tags: normalTags(body.tags ?? []),
    source: portal ? 'portal' : (body.source ?? 'technician'),
    customer_id: customerId,
    requester_id: portal ? ctx.actor.id : null,
    contact_id: body.contact_id ?? null,
    created_by: ctx.actor.id,
    assigned_to: assignedTo,
    team_id: body.team_id ?? chosen?.team_id ?? null,
    sla_policy_id: policy?.id ?? null,
    sla_response_due: null,
    sla_resolution_due: null,
    sla_response_state: 'none',
    sla_resolution_state: 'none',
    sla_response_risk_at: null,
    sla_resolution_risk_at: null,
    sla_breached: false,
    sla_pauses: [],
    first_response_at: null,
    resolved_at: null,
    closed_at: null,
    reopen_count: 0,
    comment_count: 0,
    public_comment_count: 0,
    minutes_spent: 0,
    external_id: null,
    version: 1,
    created_at: now,
    updated_at: now,
  };
  const sla = slaOutcome(settings, row, at);
  Object.assign(row, sla.columns);

  const given: Change[] = ASSIGNMENT_FIELDS.flatMap((field) => {
    const to = row[field as 'assigned_to' | 'team_id'];
    return to === null ? [] : [{ field, from: null, to }];
  });
  // The actor entered it; the contact is whom it is for.
  const asked: Change[] =
    row.contact_id === null ? [] : [{ field: 'contact_id', from: null, to: row.contact_id }];
  const history: NewHistory[] = [{ kind: 'created', changes: asked }];
  if (given.length > 0 || chosen) {
    history.push({ kind: 'assigned', changes: given, reason: chosen?.reason ?? null });
  }
  const facts = ticketFacts(row);
  const events: AnyNewEvent[] = [ticketEvent('ticket.opened.v1', row, { ticket: facts })];
  if (given.length > 0) {
    events.push(ticketEvent('ticket.assigned.v1', row, { ticket: facts, changes: given }, false));
  }
  const entries = historyRows(ctx, history, deps.ids, now);
  const direct = portal ? entries.filter((entry) => entry.public) : entries;
  insertTicket(tx, ctx, row, direct, sla.timers);
  insertHistory(tx, ctx, row, entries.slice(direct.length));
  await Promise.all([
    emit(deps, tx, ctx, events, at),
    row.tags.length > 0 ? replaceTags(tx, ctx, row, row.tags) : null,
    chosen?.assigned_to ? noteAssigned(tx, ctx, chosen.assigned_to, now) : null,
  ]);
  return fullView(ctx, settings, row, at);
}

/** Applies a change that somebody asked for, with what else goes with it. `check` sees the stored version first (If-Match). */
export async function changeTicket(
  deps: TicketsDeps,
  tx: Tx,
  ctx: RequestContext,
  id: string,
  wanted: UpdateTicketRequest,
  check: (version: number) => void = () => {},
  more: Pick<Extra, 'history' | 'events'> = {},
): Promise<Ticket> {
  const staff = !isPortal(ctx);
  if (
    staff &&
    (wanted.assigned_to !== undefined || wanted.team_id !== undefined) &&
    !can(ctx, 'ticket:assign')
  ) {
    throw forbidden('This needs the permission ticket:assign.');
  }
  if (wanted.title?.trim() === '')
    throw invalid({ field: 'title', code: 'empty', message: 'must not be empty' });
  const ticket = await loadTicket(tx, ctx, id, true);
  check(ticket.version);
  const refs = { ...wanted, customer_id: ticket.customer_id };
  const { revision, customer } = await checkReferences(tx, ctx, refs, wanted.priority !== undefined);
  const settings = await deps.settings.at(tx, ctx, revision);
  const row = await decideAndSave(deps, tx, ctx, ticket, wanted, {
    settings,
    customerPolicy: customer?.sla_policy_id ?? null,
    ...more,
  });
  return fullView(ctx, settings, row, deps.clock.now());
}

/** What goes with a change besides its fields: a comment's history and event, say. */
export interface Extra {
  readonly settings: DeskSettings;
  readonly customerPolicy?: string | null;
  /** Columns that change without being the asker's wish: counters, the first response. */
  readonly columns?: Partial<TicketRow>;
  readonly history?: readonly NewHistory[];
  /** Made when the row is final. */
  readonly events?: (row: TicketRow) => readonly AnyNewEvent[];
  /** A platform rule rather than the asker moves the status: who decides in the transition table. */
  readonly moveAs?: 'system';
  /** Why the ticket was given to or taken from somebody, for the history. */
  readonly reason?: string;
}

/** Decides, computes the clocks, writes row, history, timers and events. Nothing is written when nothing changes. */
export async function decideAndSave(
  deps: TicketsDeps,
  tx: Tx,
  ctx: RequestContext,
  ticket: TicketRow,
  wanted: UpdateTicketRequest,
  extra: Extra,
): Promise<TicketRow> {
  const at = deps.clock.now();
  const now = at.toISOString();
  const actor = extra.moveAs ?? ctx.actor.kind;
  if (actor === 'customer' && wanted.status !== undefined && wanted.status !== ticket.status) {
    const allowed = transitionsFor(ticket, ctx);
    if (!allowed.includes(wanted.status)) {
      throw transitionForbidden(
        `You may not move this ticket from ${ticket.status} to ${wanted.status}.`,
        allowed,
      );
    }
  }
  const decision = decideChange(ticket, wanted, actor, pauseOnOf(extra.settings, ticket), now);
  if (!decision.ok) {
    if ('problem' in decision) throw invalid(decision.problem);
    throw transitionForbidden(decision.message, decision.allowed);
  }
  const { next, changes } = decision;
  Object.assign(next, extra.columns ?? {});
  if (changes.length === 0 && !extra.columns && !extra.history) return ticket;

  const newPriority = next.priority !== ticket.priority;
  if (newPriority) {
    const { policy } = pickPolicy(
      { sla_policy_id: extra.customerPolicy ?? null },
      next.priority,
      extra.settings.offered,
    );
    // The policy chosen at opening stays as long as it says something for the new priority.
    const own = next.sla_policy_id === null ? undefined : extra.settings.policies.get(next.sla_policy_id);
    if (!own?.policy.targets[next.priority]) next.sla_policy_id = policy?.id ?? null;
    if (next.sla_policy_id !== ticket.sla_policy_id) {
      next.sla_pauses = await pausesUnder(tx, ctx, pauseOnOf(extra.settings, next), ticket, next, now);
    }
  }
  const clock = decision.clock || next.first_response_at !== ticket.first_response_at;
  const sla = clock ? slaOutcome(extra.settings, next, at, newPriority) : null;
  if (sla) Object.assign(next, sla.columns);
  next.version = ticket.version + 1;
  next.updated_at = now;

  const takenFrom = await losingSight(tx, ctx, ticket, next);
  const { history, events } = recordOf(ticket, next, changes, sla, extra, takenFrom);
  await Promise.all([
    updateTicket(tx, ctx, next),
    insertHistory(tx, ctx, next, historyRows(ctx, history, deps.ids, now)),
    emit(deps, tx, ctx, events, at),
    sla ? replaceTicketTimers(tx, ctx.scope.tenant_id, next.id, sla.timers) : null,
    changes.some((change) => change.field === 'tags') ? replaceTags(tx, ctx, next, next.tags) : null,
  ]);
  return next;
}

const pauseOnOf = (settings: DeskSettings, row: TicketRow) =>
  (row.sla_policy_id === null ? undefined : settings.policies.get(row.sla_policy_id))?.policy.pause_on ?? [];

/** The pauses of a ticket's whole life under other statuses that pause: the policy's word holds from the creation on. */
async function pausesUnder(
  tx: Tx,
  ctx: RequestContext,
  pauseOn: readonly TicketStatus[],
  before: TicketRow,
  next: TicketRow,
  now: string,
): Promise<StoredPause[]> {
  const known = await statusHistory(tx, ctx, before);
  if (next.status !== before.status) known.push({ status: next.status, at: now });
  const text = (at: Temporal.Instant) => new Date(at.epochMilliseconds).toISOString();
  return pausesFromHistory(
    known.map(({ status, at }) => ({ status, at: instant(at) })),
    pauseOn,
  ).map(({ from, until, reason }) => ({
    from: text(from),
    until: until === null ? null : text(until),
    reason,
  }));
}

/**
 * Computes a ticket's clocks anew because time passed or the desk's settings changed, and writes what differs.
 * Returns the row as it is then, and whether anything was written.
 */
export async function refreshClocks(
  deps: TicketsDeps,
  tx: Tx,
  ctx: RequestContext,
  ticket: TicketRow,
  settings: DeskSettings,
  /** The policy changed, and with it perhaps which statuses pause. */
  policyChanged = false,
): Promise<{ row: TicketRow; changed: boolean }> {
  const at = deps.clock.now();
  const sla_pauses = policyChanged
    ? await pausesUnder(tx, ctx, pauseOnOf(settings, ticket), ticket, ticket, at.toISOString())
    : ticket.sla_pauses;
  const sla = slaOutcome(settings, { ...ticket, sla_pauses }, at);
  const changed =
    SLA_COLUMNS.some((name) => comparable(ticket[name]) !== comparable(sla.columns[name])) ||
    JSON.stringify(sla_pauses) !== JSON.stringify(ticket.sla_pauses);
  if (!changed) return { row: ticket, changed };
  const row: TicketRow = {
    ...ticket,
    ...sla.columns,
    sla_pauses,
    version: ticket.version + 1,
    updated_at: at.toISOString(),
  };
  const { history, events } = recordOf(ticket, row, [], sla, { settings });
  await Promise.all([
    updateTicket(tx, ctx, row),
    insertHistory(tx, ctx, row, historyRows(ctx, history, deps.ids, row.updated_at)),
    emit(deps, tx, ctx, events, at),
    replaceTicketTimers(tx, ctx.scope.tenant_id, row.id, sla.timers),
  ]);
  return { row, changed };
}

/** Times come as PostgreSQL writes them or as RFC 3339. */
const comparable = (value: string | boolean | null) =>
  typeof value === 'string' && /^\d/.test(value) ? toIso(value) : value;

/** How a change reads in the history and which events tell of it, each in the part its readers may see. */
function recordOf(
  before: TicketRow,
  row: TicketRow,
  changes: readonly Change[],
  sla: SlaOutcome | null,
  extra: Extra,
  takenFrom: readonly string[] = [],
): { history: NewHistory[]; events: AnyNewEvent[] } {
  const given = changes.filter((change) => ASSIGNMENT_FIELDS.includes(change.field));
  const rest = changes.filter((change) => !ASSIGNMENT_FIELDS.includes(change.field));
  const history: NewHistory[] = [...(extra.history ?? [])];
  if (rest.length > 0) history.push({ kind: 'changed', changes: rest });
  if (given.length > 0) {
    history.push({ kind: 'assigned', changes: given, reason: extra.reason ?? null });
  }

  const ticket = ticketFacts(row);
  const events: AnyNewEvent[] = [...(extra.events?.(row) ?? [])];
  if (row.status !== before.status) {
    events.push(ticketEvent('ticket.status_changed.v1', row, { ticket, changes: rest }));
  } else if (rest.length > 0) {
    events.push(ticketEvent('ticket.updated.v1', row, { ticket, changes: rest }));
  }
  if (given.length > 0) {
    const taken = takenFrom.length > 0 ? { taken_from: [...takenFrom] } : {};
    events.push(ticketEvent('ticket.assigned.v1', row, { ticket, changes: given, ...taken }, false));
  }
  for (const missed of sla?.breached ?? []) {
    history.push({
      kind: 'sla_breached',
      changes: [{ field: `sla_${missed.kind}_due`, from: missed.due_at, to: null }],
    });
    events.push(ticketEvent('ticket.sla_breached.v1', row, { ticket, ...missed }, false));
  }
  return { history, events };
}

/** Removes a ticket from sight; its history stays. */
export async function deleteTicket(
  deps: TicketsDeps,
  tx: Tx,
  ctx: RequestContext,
  id: string,
  check: (version: number) => void,
): Promise<void> {
  const ticket = await loadTicket(tx, ctx, id, true);
  check(ticket.version);
  const at = deps.clock.now();
  const row = { ...ticket, version: ticket.version + 1 };
  await Promise.all([
    tx.sql`
      update tickets set deleted_at = ${at.toISOString()}, updated_at = ${at.toISOString()}, version = ${row.version}
      where tenant_id = ${ctx.scope.tenant_id} and id = ${id}`,
    replaceTicketTimers(tx, ctx.scope.tenant_id, id, []),
    replaceTags(tx, ctx, row, []),
    removeFiles(tx, ctx, id, at.toISOString()),
    insertHistory(tx, ctx, row, historyRows(ctx, [{ kind: 'deleted' }], deps.ids, at.toISOString())),
    emit(deps, tx, ctx, [ticketEvent('ticket.deleted.v1', row, { ticket: ticketFacts(row) })], at),
  ]);
}
