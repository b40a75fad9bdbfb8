/**
 * Service level agreements: when a ticket is due, how its clocks stand, and why.
 *
 * Rules:
 * - Both clocks start at `created_at` and count open minutes of the policy's calendar.
 * - The target is that of the ticket's **present** priority, counted from `created_at`: raising the priority
 *   of an old ticket can put it in breach at once. Counting from the change would let a ticket escape its
 *   deadline by being re-prioritised.
 * - Time in a status of `pause_on` does not count, nor does time spent resolved or closed before a
 *   reopening. Both clocks pause alike.
 * - The response clock ends with the first response; resolving a ticket answers it too.
 * - What happens after a clock's end no longer moves its due time.
 * - Reaching the goal exactly at the due time meets it.
 * - A running clock is at risk from the instant at which {@link AT_RISK_SHARE} of its business time is used.
 *   That is the only meaning of "at risk": bars, colours, filters, figures, warnings and mails read it from here.
 *
 * The due time is the end of the explanation, so the two cannot disagree.
 */

import {
  type ExplainStep,
  fewestMinutesOfYear,
  openMinutesBetween,
  type Suspension,
  walkBusinessTime,
} from './business-time.ts';
import {
  type BusinessCalendar,
  type CompiledCalendar,
  compileCalendar,
  type FieldProblem,
  validateCalendar,
} from './calendar.ts';
import { isDone, PRIORITIES, type Priority, type TicketStatus } from './ticket-status.ts';

/** Business minutes, whole and positive. Null: no such deadline. */
export interface SlaTarget {
  response_minutes: number | null;
  resolution_minutes: number | null;
}

export interface SlaPolicy {
  id: string;
  name: string;
  /** The tenant's fallback for customers without a policy of their own. */
  is_default?: boolean;
  /** A priority without a target has no deadline under this policy. */
  targets: { readonly [priority in Priority]?: SlaTarget };
  calendar: BusinessCalendar;
  /** Statuses in which the clocks stand still, `waiting_customer` as a rule. */
  pause_on: readonly TicketStatus[];
}

/** A time in which the clocks stood still; `until` is null while they still do. */
export interface SlaPause {
  from: Temporal.Instant;
  until: Temporal.Instant | null;
  /** Shown in the explanation: the status as a rule. */
  reason: string;
}

export interface SlaFacts {
  created_at: Temporal.Instant;
  priority: Priority;
  pauses: readonly SlaPause[];
  first_response_at: Temporal.Instant | null;
  resolved_at: Temporal.Instant | null;
}

/** `met` and `breached` are final once the goal is reached; an unreached goal past its due time is `breached`. */
export type SlaState = 'running' | 'paused' | 'met' | 'breached';

/** A running clock is at risk when this share of its target is used, in business time. */
export const AT_RISK_SHARE = 0.8;

/** What people see of a clock. `ok` and `at_risk` run, `breached` is past its due time, reached or not. */
export const SLA_PHASES = ['ok', 'at_risk', 'breached', 'paused', 'met'] as const;
export type SlaPhase = (typeof SLA_PHASES)[number];

export interface SlaClock {
  target_minutes: number;
  due_at: Temporal.Instant;
  /** When {@link AT_RISK_SHARE} of the target is used, pauses taken out; moves on while the clock is paused. */
  risk_at: Temporal.Instant;
  phase: SlaPhase;
  /** Business time used of the target: 0 at the start, 1 at the due time, more when overdue. See {@link shareUsed}. */
  share_used: number;
  /** True while the clock is paused: `due_at` is then the due time if it resumed now, and moves on. */
  due_is_provisional: boolean;
  state: SlaState;
  /** When the goal was reached, or null. */
  achieved_at: Temporal.Instant | null;
  /** Business minutes used up to now, or to the goal. */
  used_minutes: number;
  /** Target minus used: negative when overdue. */
  remaining_minutes: number;
  /** From `created_at` to `due_at`. The minutes of the counted steps add up to the target. */
  explain: ExplainStep[];
}

export interface SlaAssessment {
  policy_id: string;
  /** Null when the policy sets no response time for the priority. */
  response: SlaClock | null;
  resolution: SlaClock | null;
}

/**
 * The phase of a clock whose stored state is `state`, seen at `now`. A clock stored as running past its due time is
 * breached, whether its timer has fired or not. Times are epoch milliseconds: it is asked for each row of a list, where
 * an instant costs more than all that is reckoned with it.
 */
export function phaseOf(state: SlaState, riskAt: number | null, dueAt: number | null, now: number): SlaPhase {
  if (state !== 'running') return state;
  if (dueAt !== null && now > dueAt) return 'breached';
  return riskAt !== null && now >= riskAt ? 'at_risk' : 'ok';
}

/**
 * Share of the target that is used, cut to four decimals: 1 is not shown before the due time. It never contradicts
 * the phase: what is met took 1 at most and what is breached 1 at least, though a calendar be changed afterwards.
 */
export function shareUsed(usedMinutes: number, targetMinutes: number, phase: SlaPhase): number {
  const share = Math.floor((usedMinutes * 10_000) / targetMinutes) / 10_000;
  if (phase === 'breached') return Math.max(share, 1);
  return phase === 'met' ? Math.min(share, 1) : share;
}

/**
 * Business minutes used of a clock that began at `start`: up to its goal, or up to `now`; epoch milliseconds. With a
 * compiled calendar this is cheap enough for every row of a list.
 */
export function usedMinutes(input: {
  start: number;
  achievedAt: number | null;
  pauses: readonly SlaPause[];
  calendar: CompiledCalendar;
  now: number;
}): number {
  const end = input.achievedAt ?? input.now;
  if (end <= input.start) return 0;
  return openMinutesBetween(
    input.start,
    end,
    input.calendar,
    input.pauses.length === 0 ? [] : suspensionsOf(input.pauses, end).suspensions,
  );
}

/** A ticket's status since `at`. */
export interface StatusChange {
  status: TicketStatus;
  at: Temporal.Instant;
}

/** The pauses of a ticket from its status history (in any order). Resolved and closed time always pauses. */
export function pausesFromHistory(
  history: readonly StatusChange[],
  pauseOn: readonly TicketStatus[],
): SlaPause[] {
  const pauses: SlaPause[] = [];
  const sorted = [...history].sort((a, b) => Temporal.Instant.compare(a.at, b.at));
  for (const [index, { status, at }] of sorted.entries()) {
    if (!pausesIn(status, pauseOn)) continue;
    const until = sorted[index + 1]?.at ?? null;
    const last = pauses.at(-1);
    if (last?.until?.equals(at) && last.reason === status) last.until = until;
    else if (until === null || Temporal.Instant.compare(at, until) < 0)
      pauses.push({ from: at, until, reason: status });
  }
  return pauses;
}

/**
 * The pauses of a ticket that stands in `status` since `now`: what is open is closed, and a pause of `status` begun,
 * as its policy wants it. `T` is the caller's type of a moment.
 */
export function pausesAfter<T>(
  pauses: readonly { from: T; until: T | null; reason: string }[],
  status: TicketStatus,
  pauseOn: readonly TicketStatus[],
  now: T,
): { from: T; until: T | null; reason: string }[] {
  const open = pauses.find((pause) => pause.until === null);
  const wanted = pausesIn(status, pauseOn);
  if (wanted && open?.reason === status) return [...pauses];
  const closed = pauses.map((pause) => (pause.until === null ? { ...pause, until: now } : pause));
  return wanted ? [...closed, { from: now, until: null, reason: status }] : closed;
}

/** When the response clock ended: with the first response, or with the resolution, which answers too. Epoch milliseconds. */
export function respondedAt(firstResponseAt: number | null, resolvedAt: number | null): number | null {
  return firstResponseAt !== null && resolvedAt !== null
    ? Math.min(firstResponseAt, resolvedAt)
    : (firstResponseAt ?? resolvedAt);
}

/** Statuses pause by the policy's `pause_on` alone; work that is over stops the clocks under every policy. */
export const pausesIn = (status: TicketStatus, pauseOn: readonly TicketStatus[]): boolean =>
  isDone(status) || pauseOn.includes(status);

function earlier(a: Temporal.Instant, b: Temporal.Instant): Temporal.Instant {
  return Temporal.Instant.compare(a, b) <= 0 ? a : b;
}

/** The pauses as far as `end`, and whether the clock stands still there. */
function suspensionsOf(
  pauses: readonly SlaPause[],
  endMs: number,
): { suspensions: Suspension[]; isPaused: boolean } {
  const suspensions: Suspension[] = [];
  let isPaused = false;
  const end = Temporal.Instant.fromEpochMilliseconds(endMs);
  for (const pause of pauses) {
    if (Temporal.Instant.compare(pause.from, end) > 0) continue;
    isPaused ||= pause.until === null || Temporal.Instant.compare(end, pause.until) < 0;
    const until = pause.until === null ? end : earlier(pause.until, end);
    suspensions.push({ from: pause.from, until, reason: pause.reason });
  }
  return { suspensions, isPaused };
}

type ClockInput = Parameters<typeof usedMinutes>[0] & { begun: Temporal.Instant };

function assessClock(target: number | null, input: ClockInput): SlaClock | null {
  if (target === null) return null;
  const { begun, achievedAt, pauses, calendar, now } = input;
  // Pauses reach to the clock's end at most: an open one to now, none beyond the goal.
  const clockEnd = achievedAt ?? now;
  const { suspensions, isPaused } = suspensionsOf(pauses, clockEnd);
  const due = walkBusinessTime(begun, { minutes: target }, calendar, suspensions);
  const risk = walkBusinessTime(begun, { minutes: target * AT_RISK_SHARE }, calendar, suspensions);
  const used = usedMinutes(input);
  // By the due time, not by minutes: one that fell due on Friday evening is late on Monday morning.
  const dueAt = due.end.epochMilliseconds;
  const state: SlaState =
    clockEnd > dueAt ? 'breached' : achievedAt !== null ? 'met' : isPaused ? 'paused' : 'running';
  const phase = phaseOf(state, risk.end.epochMilliseconds, dueAt, clockEnd);
  return {
    target_minutes: target,
    due_at: due.end,
    risk_at: risk.end,
    phase,
    share_used: shareUsed(used, target, phase),
    due_is_provisional: state === 'paused',
    state,
    achieved_at: achievedAt === null ? null : Temporal.Instant.fromEpochMilliseconds(achievedAt),
    used_minutes: used,
    remaining_minutes: target - used,
    explain: due.steps,
  };
}

/**
 * Assesses both clocks of a ticket at `now`. Null when the policy has no target for its priority.
 * `calendar` is the compiled calendar of the policy, for callers that assess many tickets.
 * @throws InvalidCalendarError, HorizonError
 */
export function assessSla(
  policy: SlaPolicy,
  facts: SlaFacts,
  now: Temporal.Instant,
  calendar: CompiledCalendar = compileCalendar(policy.calendar),
): SlaAssessment | null {
  const targets = targetOf(policy, facts.priority);
  if (!targets) return null;
  const ms = (at: Temporal.Instant | null) => (at === null ? null : at.epochMilliseconds);
  const [responded, resolved] = [ms(facts.first_response_at), ms(facts.resolved_at)];
  const shared = {
    ...{ begun: facts.created_at, start: facts.created_at.epochMilliseconds },
    ...{ pauses: facts.pauses, calendar, now: now.epochMilliseconds },
  };
  return {
    policy_id: policy.id,
    response: assessClock(targets.response_minutes, {
      ...shared,
      achievedAt: respondedAt(responded, resolved),
    }),
    resolution: assessClock(targets.resolution_minutes, { ...shared, achievedAt: resolved }),
  };
}

/** The target for a priority, if it sets any deadline. */
function targetOf(policy: SlaPolicy | undefined, priority: Priority): SlaTarget | undefined {
  const target = policy?.targets[priority];
  return target && (target.response_minutes ?? target.resolution_minutes) !== null ? target : undefined;
}

export interface PolicyChoice {
  policy: SlaPolicy | null;
  reason: 'customer_policy' | 'default_policy' | 'default_as_customer_policy_has_no_target' | 'no_policy';
}

/**
 * The policy for a ticket: the customer's own when it has a target for the priority, else the tenant's
 * default when it has one (of several defaults the one with the smallest id), else none.
 */
export function pickPolicy(
  customer: { sla_policy_id: string | null },
  priority: Priority,
  policies: readonly SlaPolicy[],
): PolicyChoice {
  const own = policies.find((policy) => policy.id === customer.sla_policy_id);
  if (own && targetOf(own, priority)) return { policy: own, reason: 'customer_policy' };
  const [fallback] = policies
    .filter((policy) => policy.is_default === true && targetOf(policy, priority))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  if (!fallback) return { policy: null, reason: 'no_policy' };
  return { policy: fallback, reason: own ? 'default_as_customer_policy_has_no_target' : 'default_policy' };
}

/** Everything that is wrong with a policy, field by field. */
export function validatePolicy(policy: SlaPolicy): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (policy.name.trim() === '')
    problems.push({ field: 'name', code: 'empty', message: 'must not be empty' });
  for (const priority of PRIORITIES) {
    const target = policy.targets[priority];
    if (!target) continue;
    const { response_minutes, resolution_minutes } = target;
    const before = problems.length;
    for (const [field, minutes] of Object.entries({ response_minutes, resolution_minutes })) {
      if (minutes !== null && (!Number.isInteger(minutes) || minutes < 1)) {
        problems.push({
          field: `targets.${priority}.${field}`,
          code: 'too_small',
          message: 'must be a whole number from 1 up',
        });
      }
    }
    if (response_minutes === null || resolution_minutes === null) continue;
    if (problems.length === before && resolution_minutes < response_minutes) {
      const message = 'must not be shorter than the response time';
      problems.push({
        field: `targets.${priority}.resolution_minutes`,
        code: 'resolution_before_response',
        message,
      });
    }
  }
  if (PRIORITIES.every((priority) => !targetOf(policy, priority))) {
    problems.push({ field: 'targets', code: 'no_deadline', message: 'must set at least one deadline' });
  }
  for (const status of policy.pause_on.filter(isDone)) {
    problems.push({
      field: 'pause_on',
      code: 'unknown_value',
      message: `must not name ${status}: it ends the clocks`,
    });
  }
  const inCalendar = validateCalendar(policy.calendar);
  problems.push(...inCalendar.map((problem) => ({ ...problem, field: `calendar.${problem.field}` })));
  if (problems.length === 0) problems.push(...unreachable(policy));
  return problems;
}

/**
 * The deadlines that have no room in a year of the calendar. Such a clock would run for years, or, where hardly anything
 * is open, never end; somebody has mistaken the unit or forgotten a weekday.
 */
export function unreachable({ targets, calendar }: Pick<SlaPolicy, 'targets' | 'calendar'>): FieldProblem[] {
  const room = Math.floor(fewestMinutesOfYear(calendar));
  return PRIORITIES.flatMap((priority) =>
    (['response_minutes', 'resolution_minutes'] as const)
      .filter((name) => (targets[priority]?.[name] ?? 0) > room)
      .map((name) => ({
        field: `targets.${priority}.${name}`,
        code: 'never_reached',
        message: `must be reached within a year, in which its calendar is open for ${room} minutes`,
        values: { minutes: room },
      })),
  );
}
