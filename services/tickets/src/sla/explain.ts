import type { SlaExplanation } from '@psa/contracts/tickets';
import type { ExplainStep } from '@psa/domain/business-time';
import type { SlaClock } from '@psa/domain/sla';
import type { Static } from 'typebox';
import type { DeskSettings } from '../desk/settings.ts';
import type { TicketRow } from '../tickets/row.ts';
import { assess } from './clock.ts';

type Explanation = Static<typeof SlaExplanation>;

/** Both deadlines of a ticket at `now`, step by step: what counted, what did not, and why. */
export function explainSla(
  settings: DeskSettings,
  ticket: TicketRow,
  customerPolicyId: string | null,
  now: Date,
): Explanation {
  const used = ticket.sla_policy_id === null ? undefined : settings.policies.get(ticket.sla_policy_id);
  const assessment = assess(used, ticket, now);
  return {
    policy: used ? { id: used.policy.id, name: used.policy.name } : null,
    calendar: used
      ? { id: used.calendarId, name: used.calendarName, time_zone: used.calendar.time_zone }
      : null,
    priority: ticket.priority,
    reason: reasonOf(settings, ticket, customerPolicyId),
    response: clockView(assessment?.response ?? null),
    resolution: clockView(assessment?.resolution ?? null),
  };
}

function reasonOf(settings: DeskSettings, ticket: TicketRow, customerPolicyId: string | null): string {
  const used = ticket.sla_policy_id === null ? undefined : settings.policies.get(ticket.sla_policy_id);
  if (!used) return 'no_policy';
  const target = used.policy.targets[ticket.priority];
  if ((target?.response_minutes ?? target?.resolution_minutes ?? null) === null)
    return 'no_target_for_priority';
  if (used.policy.id === customerPolicyId) return 'customer_policy';
  return used.policy.is_default ? 'default_policy' : 'policy_at_opening';
}

function clockView(clock: SlaClock | null): Explanation['response'] {
  if (clock === null) {
    return {
      phase: 'none',
      share_used: null,
      risk_at: null,
      due_at: null,
      done_at: null,
      target_minutes: null,
      remaining_minutes: null,
      steps: [],
    };
  }
  return {
    phase: clock.phase,
    share_used: clock.share_used,
    risk_at: clock.state === 'running' ? text(clock.risk_at) : null,
    // While paused the walk ends where the target would be reached if the clock went on now; there is no due time.
    due_at: clock.due_is_provisional ? null : text(clock.due_at),
    done_at: clock.achieved_at === null ? null : text(clock.achieved_at),
    target_minutes: clock.target_minutes,
    remaining_minutes: Math.ceil(clock.remaining_minutes),
    steps: clock.explain.map(stepView),
  };
}

const text = (at: Temporal.Instant) => new Date(at.epochMilliseconds).toISOString();

const stepView = (step: ExplainStep): Explanation['response']['steps'][number] => ({
  from: text(step.at),
  to: text(step.until),
  kind: step.kind,
  minutes: step.kind === 'counted' ? Math.round(step.minutes) : 0,
  total: Math.round(step.running_total),
  note: step.params.name ?? step.params.reason ?? null,
});
