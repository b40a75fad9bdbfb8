import { HorizonError } from '@psa/domain/business-time';
import { assessSla, type SlaAssessment, type SlaClock, type SlaPause } from '@psa/domain/sla';
import { toIso } from '@psa/service-kit/database';
import type { DeskSettings, PolicySetting } from '../desk/settings.ts';
import type { SLA_COLUMNS, SlaState, StoredPause, TicketRow } from '../tickets/row.ts';

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

type SlaColumns = Pick<TicketRow, (typeof SLA_COLUMNS)[number]>;

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

/** A column's time; it holds whole milliseconds. */
export const epochMs = (text: string): number => Date.parse(toIso(text));
export const epochMsOrNull = (text: string | null) => (text === null ? null : epochMs(text));
export const instant = (text: string) => Temporal.Instant.fromEpochMilliseconds(epochMs(text));
export const instantOrNull = (text: string | null) => (text === null ? null : instant(text));

/** The stored pauses as the domain reads them. */
export const pausesOf = (pauses: readonly StoredPause[]): SlaPause[] =>
  pauses.map((pause) => ({
    from: instant(pause.from),
    until: instantOrNull(pause.until),
    reason: pause.reason,
  }));

/** Both clocks at `now`, or null without a policy or target. */
export function assess(policy: PolicySetting | undefined, ticket: SlaFacts, now: Date): SlaAssessment | null {
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
export function slaOutcome(settings: DeskSettings, ticket: SlaFacts, now: Date, warn = false): SlaOutcome {
  const policy = ticket.sla_policy_id === null ? undefined : settings.policies.get(ticket.sla_policy_id);
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
    columns[`sla_${kind}_risk_at`] = clock !== null && state === 'running' ? atMs(clock.risk_at) : null;
    if (state === 'breached' && before !== 'breached') breached.push({ kind, due_at: due! });
    if (clock !== null && state === 'running') timers.push(...timersOf(kind, clock, now, warn));
  }
  columns.sla_breached = ticket.sla_breached || breached.length > 0;
  return { columns: columns as unknown as SlaColumns, timers, breached };
}

const atMs = (at: Temporal.Instant) => new Date(at.epochMilliseconds).toISOString();

function timersOf(
  kind: SlaKind,
  clock: SlaClock,
  now: Date,
  warn: boolean,
): { kind: SlaTimerKind; at: Date }[] {
  // A millisecond past the due time: reaching the goal exactly at it still meets it.
  const timers: { kind: SlaTimerKind; at: Date }[] = [
    { kind: `sla_${kind}_breach`, at: new Date(clock.due_at.epochMilliseconds + 1) },
  ];
  const at = new Date(clock.risk_at.epochMilliseconds);
  if (at > now) timers.push({ kind: `sla_${kind}_risk`, at });
  else if (warn) timers.push({ kind: `sla_${kind}_risk`, at: now });
  return timers;
}
