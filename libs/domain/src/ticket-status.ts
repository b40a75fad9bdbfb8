/**
 * The life of a ticket: its statuses, who may move it where, and what a move does to its facts.
 *
 * Rules that are choices of ours, not of the field:
 * - A ticket in `new` has no assignee, a ticket in `assigned` or `in_progress` has one.
 * - Staff close work in progress through `resolved`, so that a resolution time is recorded on purpose.
 *   They may close directly what was never worked on (spam, duplicates) or what the customer left unanswered.
 * - A customer may close any open ticket (it withdraws it), reopen a resolved or closed one, and answers
 *   with a reply. Reopening and replying lead to `in_progress`, or to `new` when nobody is assigned, so
 *   that the ticket stands in the dispatcher's queue again.
 * - A reply to a closed ticket reopens it: a spurious "thank you" costs a click, an unseen message a customer.
 */

export const TICKET_STATUSES = [
  'new',
  'assigned',
  'in_progress',
  'waiting_customer',
  'resolved',
  'closed',
] as const;
export type TicketStatus = (typeof TICKET_STATUSES)[number];

/** From least to most urgent. */
export const PRIORITIES = ['low', 'medium', 'high', 'critical'] as const;
export type Priority = (typeof PRIORITIES)[number];

export const ACTOR_KINDS = ['staff', 'customer', 'system'] as const;
export type ActorKind = (typeof ACTOR_KINDS)[number];

/** Row: from. Column: to. Cell: who may do it. What is absent is forbidden to all. */
export const TRANSITIONS = {
  new: {
    assigned: ['staff', 'system'],
    in_progress: ['staff'],
    waiting_customer: ['staff', 'system'],
    resolved: ['staff', 'system'],
    closed: ['staff', 'customer', 'system'],
  },
  assigned: {
    new: ['staff', 'system'],
    in_progress: ['staff'],
    waiting_customer: ['staff', 'system'],
    resolved: ['staff', 'system'],
    closed: ['staff', 'customer', 'system'],
  },
  in_progress: {
    new: ['staff', 'system'],
    assigned: ['staff', 'system'],
    waiting_customer: ['staff', 'system'],
    resolved: ['staff', 'system'],
    closed: ['customer'],
  },
  waiting_customer: {
    new: ['staff', 'customer', 'system'],
    assigned: ['staff', 'system'],
    in_progress: ['staff', 'customer', 'system'],
    resolved: ['staff', 'system'],
    closed: ['staff', 'customer', 'system'],
  },
  resolved: {
    new: ['staff', 'customer', 'system'],
    in_progress: ['staff', 'customer', 'system'],
    closed: ['staff', 'customer', 'system'],
  },
  closed: {
    new: ['staff', 'customer', 'system'],
    in_progress: ['staff', 'customer', 'system'],
  },
} as const satisfies Record<TicketStatus, Partial<Record<TicketStatus, readonly ActorKind[]>>>;

/** The same table for lookups by a status that is only known at run time. */
const TABLE: Record<TicketStatus, Partial<Record<TicketStatus, readonly ActorKind[]>>> = TRANSITIONS;

export interface TransitionContext {
  actorKind: ActorKind;
  /** Whether the ticket has an assignee after the change. Left out: not checked. */
  hasAssignee?: boolean;
}

/** What a transition does to the ticket besides the status. */
export interface TransitionEffects {
  /** False when the ticket already stands in the wanted status; then every other effect is `keep`. */
  changed: boolean;
  resolved_at: 'set' | 'clear' | 'keep';
  closed_at: 'set' | 'clear' | 'keep';
  assignee: 'clear' | 'keep';
  /** True: the reopen count grows by one. */
  reopened: boolean;
}

export type TransitionDecision =
  | { ok: true; effects: TransitionEffects }
  | {
      ok: false;
      /** Where this actor may move the ticket from its present status. */
      allowed: TicketStatus[];
      reason: 'not_from_this_status' | 'not_for_this_actor' | 'needs_assignee';
      message: string;
    };

const NO_EFFECTS: TransitionEffects = {
  changed: false,
  resolved_at: 'keep',
  closed_at: 'keep',
  assignee: 'keep',
  reopened: false,
};

/** Statuses in which the work is over. */
export function isDone(status: TicketStatus): boolean {
  return status === 'resolved' || status === 'closed';
}

function needsAssignee(status: TicketStatus): boolean {
  return status === 'assigned' || status === 'in_progress';
}

/** The statuses to which this actor may move a ticket now, in the order of the ticket's life. */
export function allowedTransitions(from: TicketStatus, context: TransitionContext): TicketStatus[] {
  return TICKET_STATUSES.filter(
    (to) =>
      TABLE[from][to]?.includes(context.actorKind) === true &&
      !(context.hasAssignee === false && needsAssignee(to)),
  );
}

/** Decides whether an actor may move a ticket, and with which effects. Setting the present status again is no change. */
export function decideTransition(
  from: TicketStatus,
  to: TicketStatus,
  context: TransitionContext,
): TransitionDecision {
  if (from === to) return { ok: true, effects: { ...NO_EFFECTS } };
  const allowed = allowedTransitions(from, context);
  if (allowed.includes(to)) return { ok: true, effects: effectsOf(from, to) };

  const actors = TABLE[from][to];
  const where = allowed.length > 0 ? `allowed: ${allowed.join(', ')}` : 'no transition is allowed';
  if (actors === undefined) {
    const message = `A ticket cannot go from ${from} to ${to}; ${where}`;
    return { ok: false, allowed, reason: 'not_from_this_status', message };
  }
  if (!actors.includes(context.actorKind)) {
    const message = `Only ${actors.join(' or ')} may move a ticket from ${from} to ${to}; ${where}`;
    return { ok: false, allowed, reason: 'not_for_this_actor', message };
  }
  const message = `A ticket without an assignee cannot be ${to}; ${where}`;
  return { ok: false, allowed, reason: 'needs_assignee', message };
}

function effectsOf(from: TicketStatus, to: TicketStatus): TransitionEffects {
  const wasDone = isDone(from);
  const done = isDone(to);
  return {
    changed: true,
    // Closing without resolving ends the work too, so that every finished ticket has a resolution time.
    resolved_at: done === wasDone ? 'keep' : done ? 'set' : 'clear',
    closed_at: to === 'closed' ? 'set' : from === 'closed' ? 'clear' : 'keep',
    assignee: to === 'new' ? 'clear' : 'keep',
    reopened: wasDone && !done,
  };
}

/** Where a reopened ticket goes: back to its technician, or into the queue when it has none. */
export function reopenStatus(hasAssignee: boolean): 'in_progress' | 'new' {
  return hasAssignee ? 'in_progress' : 'new';
}

/** The status after a public reply by the customer, or null when the reply does not move the ticket. */
export function statusAfterCustomerReply(from: TicketStatus, hasAssignee: boolean): TicketStatus | null {
  return from === 'waiting_customer' || isDone(from) ? reopenStatus(hasAssignee) : null;
}

/** The facts of a ticket that transitions keep. `T` is the caller's type of a moment (Date, string, Instant). */
export interface TicketClockFacts<T> {
  resolved_at: T | null;
  closed_at: T | null;
  reopen_count: number;
}

/** Applies the effects to the facts at the moment `now`. */
export function applyEffects<T>(
  facts: TicketClockFacts<T>,
  effects: TransitionEffects,
  now: T,
): TicketClockFacts<T> {
  const next = (effect: 'set' | 'clear' | 'keep', value: T | null): T | null =>
    effect === 'set' ? now : effect === 'clear' ? null : value;
  return {
    resolved_at: next(effects.resolved_at, facts.resolved_at),
    closed_at: next(effects.closed_at, facts.closed_at),
    reopen_count: facts.reopen_count + (effects.reopened ? 1 : 0),
  };
}
