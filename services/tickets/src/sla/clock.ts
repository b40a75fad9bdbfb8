import { HorizonError, walkBusinessTime } from '@psa/domain/business-time';
import { assessSla, type SlaAssessment, type SlaClock, type SlaPause } from '@psa/domain/sla';
import type { TransitionEffects } from '@psa/domain/ticket-status';
import { toIso } from '@psa/service-kit/database';
import type { Desk, DeskPolicy } from '../desk/desk.ts';
import type { SlaState, StoredPause, TicketRow } from '../tickets/row.ts';

export const SLA_KINDS = ['response', 'resolution'] as const;
export type SlaKind = (typeof SLA_KINDS)[number];

/** Timer kinds of a ticket: the key is its id. */
export const SLA_TIMERS = [
  'sla_response_risk',
  'sla_response_breach',
  'sla_resolution_risk',
  'sla_resolution_breach',
] as const;
export type SlaTimerKind = (typeof SLA_TIMERS)[number];

/** A warning goes out when this share of a target is used. */
export const AT_RISK_SHARE = 0.8;

type SlaColumns = Pick<
  TicketRow,
  'sla_response_due' | 'sla_resolution_due' | 'sla_response_state' | 'sla_resolution_state' | 'sla_breached'
>;

export interface SlaOutcome {
  readonly columns: SlaColumns;
  /** Timers that the running clocks need. */
  readonly timers: readonly { kind: SlaTimerKind; at: Date }[];
  /** Deadlines missed now that were not known to be missed before. */
  readonly breached: readonly { kind: SlaKind; due_at: string }[];
}

export type SlaFacts = SlaColumns &
  Pick<
    TicketRow,
    'sla_policy_id' | 'created_at' | 'priority' | 'sla_pauses' | 'first_response_at' | 'resolved_at'
  >;

const instant = (text: string) => Temporal.Instant.from(toIso(text));
const instantOrNull = (text: string | null) => (text === null ? null : instant(text));

/** The stored pauses as the domain reads them. */
export const pausesOf = (pauses: readonly StoredPause[]): SlaPause[] =>
  pauses.map((pause) => ({
    from: instant(pause.from),
    until: instantOrNull(pause.until),
    reason: pause.reason,
  }));

/** Both clocks at `now`, or null without a policy or target. */
export function assess(policy: DeskPolicy | undefined, ticket: SlaFacts, now: Date): SlaAssessment | null {
  if (!policy) return null;
  try {
    return assessSla(
      policy.policy,
      {
        created_at: instant(ticket.created_at),
        priority: ticket.priority,
        pauses: pausesOf(ticket.sla_pauses),
        first_response_at: instantOrNull(ticket.first_response_at),
        resolved_at: instantOrNull(ticket.resolved_at),
      },
      Temporal.Instant.fromEpochMilliseconds(now.getTime()),
      policy.calendar,
    );
  } catch (error) {
    // A calendar so nearly closed that the target lies beyond a century sets no deadline.
    if (error instanceof HorizonError) return null;
    throw error;
  }
}

/**
 * What a ticket's SLA columns must say at `now`, and which timers it needs. While a clock is paused it has no
 * due time: it is computed anew, with the pause taken out, when the clock goes on.
 * `warn`: the target changed, so a warning that is due already is sent now rather than left out.
 */
export function slaOutcome(desk: Desk, ticket: SlaFacts, now: Date, warn = false): SlaOutcome {
  const policy = ticket.sla_policy_id === null ? undefined : desk.policies.get(ticket.sla_policy_id);
  const assessment = assess(policy, ticket, now);
  const timers: { kind: SlaTimerKind; at: Date }[] = [];
  const breached: { kind: SlaKind; due_at: string }[] = [];
  const columns: Record<string, unknown> = {};
  for (const kind of SLA_KINDS) {
    const clock = assessment?.[kind] ?? null;
    const before = ticket[`sla_${kind}_state`];
    const state: SlaState = clock?.state ?? 'none';
    const due = clock === null || state === 'paused' ? null : atMs(clock.due_at);
    columns[`sla_${kind}_state`] = state;
    columns[`sla_${kind}_due`] = due;
    if (state === 'breached' && before !== 'breached') breached.push({ kind, due_at: due! });
    if (clock !== null && state === 'running')
      timers.push(...timersOf(kind, clock, ticket, policy!, now, warn));
  }
  columns.sla_breached = ticket.sla_breached || breached.length > 0;
  return { columns: columns as unknown as SlaColumns, timers, breached };
}

const atMs = (at: Temporal.Instant) => new Date(at.epochMilliseconds).toISOString();

function timersOf(
  kind: SlaKind,
  clock: SlaClock,
  ticket: SlaFacts,
  policy: DeskPolicy,
  now: Date,
  warn: boolean,
): { kind: SlaTimerKind; at: Date }[] {
  // A millisecond past the due time: reaching the goal exactly at it still meets it.
  const timers: { kind: SlaTimerKind; at: Date }[] = [
    { kind: `sla_${kind}_breach`, at: new Date(clock.due_at.epochMilliseconds + 1) },
  ];
  const suspensions = pausesOf(ticket.sla_pauses).flatMap((pause) =>
    pause.until === null ? [] : [{ ...pause, until: pause.until }],
  );
  const minutes = clock.target_minutes * AT_RISK_SHARE;
  const { end } = walkBusinessTime(instant(ticket.created_at), { minutes }, policy.calendar, suspensions);
  const at = new Date(end.epochMilliseconds);
  if (at > now) timers.push({ kind: `sla_${kind}_risk`, at });
  else if (warn) timers.push({ kind: `sla_${kind}_risk`, at: now });
  return timers;
}

/** The pauses after a change of status at `now`. Time resolved or closed does not count either. */
export function pausesAfter(
  pauses: readonly StoredPause[],
  effect: TransitionEffects['sla_clock'],
  status: string,
  now: string,
): StoredPause[] {
  if (effect === 'keep') return [...pauses];
  const closed = pauses.map((pause) => (pause.until === null ? { ...pause, until: now } : pause));
  return effect === 'resume' ? closed : [...closed, { from: now, until: null, reason: status }];
}
