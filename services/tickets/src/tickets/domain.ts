import type { ErrorDetail } from '@psa/contracts/common';
import { normalTags } from '@psa/contracts/tags';
import type { TicketStatus, UpdateTicketRequest } from '@psa/contracts/tickets';
import { pausesAfter } from '@psa/domain/sla';
import { type ActorKind, decideTransition, type TransitionEffects } from '@psa/domain/ticket-status';
import { AppError } from '@psa/service-kit/errors';
import type { TicketRow } from './row.ts';

export interface Change {
  readonly field: string;
  readonly from: unknown;
  readonly to: unknown;
}

export type Decision =
  | {
      readonly ok: true;
      /** The row after the change; the SLA columns are not computed yet. */
      readonly next: TicketRow;
      readonly changes: readonly Change[];
      /** The clocks must be computed anew. */
      readonly clock: boolean;
    }
  | { readonly ok: false; readonly allowed: readonly TicketStatus[]; readonly message: string }
  | { readonly ok: false; readonly problem: ErrorDetail };

/** Fields whose changes only staff learn of. */
export const ASSIGNMENT_FIELDS: readonly string[] = ['assigned_to', 'team_id'];

/** As the contract has it. */
const MAX_TAGS = 30;

/** Long texts stand in history and events by their beginning. */
const CLIP = 500;
const clip = (value: unknown) =>
  typeof value === 'string' && value.length > CLIP
    ? // Half of a character outside the BMP is no text: PostgreSQL refuses it in JSON.
      `${value.slice(0, CLIP).replace(/[\ud800-\udbff]$/, '')}…`
    : value;

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/**
 * Decides a change of a ticket: what the row says afterwards, and which fields changed.
 * Assigning somebody to a new ticket makes it assigned, taking the assignee away makes it new again, unless
 * the same request sets the status.
 */
export function decideChange(
  ticket: TicketRow,
  wanted: UpdateTicketRequest,
  actor: ActorKind,
  /** Statuses that pause the clocks of the ticket's policy. */
  pauseOn: readonly TicketStatus[],
  now: string,
): Decision {
  const next: TicketRow = { ...ticket, sla_pauses: ticket.sla_pauses };
  for (const name of ['title', 'description', 'priority', 'category', 'contact_id', 'team_id'] as const) {
    if (wanted[name] !== undefined) Object.assign(next, { [name]: wanted[name] });
  }
  if (wanted.title !== undefined) next.title = wanted.title.trim();
  if (wanted.tags !== undefined) next.tags = normalTags(wanted.tags);
  // Several changes that each add a few can come to more than one change may say.
  if (next.tags.length > MAX_TAGS && next.tags.length > ticket.tags.length) {
    const message = `must NOT have more than ${MAX_TAGS} items`;
    return { ok: false, problem: { field: 'tags', code: 'too_many', message, values: { most: MAX_TAGS } } };
  }
  if (wanted.assigned_to !== undefined) next.assigned_to = wanted.assigned_to;

  const status =
    wanted.status ??
    (wanted.assigned_to === undefined ? ticket.status : statusByAssignment(ticket, next.assigned_to));
  if (status !== ticket.status) {
    const decision = decideTransition(ticket.status, status, {
      actorKind: actor,
      hasAssignee: next.assigned_to !== null,
    });
    if (!decision.ok) return { ok: false, allowed: decision.allowed, message: decision.message };
    if (decision.effects.assignee === 'clear') {
      if (wanted.assigned_to) return misfit('new');
      next.assigned_to = null;
    }
    applyTransition(next, status, decision.effects, pauseOn, now);
  } else if (wanted.assigned_to !== undefined) {
    // Only what the request says is checked: an imported ticket may be in progress with nobody assigned.
    const worked = status === 'assigned' || status === 'in_progress';
    if (worked && next.assigned_to === null) return misfit(status);
    if (status === 'new' && next.assigned_to !== null) return misfit(status);
  }

  const changes = COMPARED.flatMap((field) =>
    same(ticket[field], next[field]) ? [] : [{ field, from: clip(ticket[field]), to: clip(next[field]) }],
  );
  const clock = next.status !== ticket.status || next.priority !== ticket.priority;
  return { ok: true, next, changes, clock };
}

const COMPARED = [
  'title',
  'description',
  'status',
  'priority',
  'category',
  'tags',
  'contact_id',
  'assigned_to',
  'team_id',
] as const;

const misfit = (status: TicketStatus): Decision => ({
  ok: false,
  problem: {
    field: 'assigned_to',
    code: 'contradicts',
    message:
      status === 'new'
        ? 'a ticket in status new has nobody assigned'
        : `a ticket in status ${status} needs somebody assigned`,
  },
});

function statusByAssignment(ticket: TicketRow, assignee: string | null): TicketStatus {
  if (ticket.status === 'new' && assignee !== null) return 'assigned';
  if ((ticket.status === 'assigned' || ticket.status === 'in_progress') && assignee === null) return 'new';
  return ticket.status;
}

/** Moves the row to `status` with everything that goes with it. */
export function applyTransition(
  row: TicketRow,
  status: TicketStatus,
  effects: TransitionEffects,
  pauseOn: readonly TicketStatus[],
  now: string,
): void {
  const moment = (effect: 'set' | 'clear' | 'keep', value: string | null) =>
    effect === 'set' ? now : effect === 'clear' ? null : value;
  row.resolved_at = moment(effects.resolved_at, row.resolved_at);
  row.closed_at = moment(effects.closed_at, row.closed_at);
  if (effects.reopened) row.reopen_count += 1;
  row.sla_pauses = pausesAfter(row.sla_pauses, status, pauseOn, now);
  row.status = status;
}

export const transitionForbidden = (message: string, allowed: readonly string[]) =>
  new AppError(409, 'TRANSITION_FORBIDDEN', message, {
    details: [{ field: 'status', code: 'not_now', message }],
    allowed,
  });
