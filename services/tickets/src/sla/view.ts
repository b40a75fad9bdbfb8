import type { SlaClock, TicketSla } from '@psa/contracts/tickets';
import { phaseOf, respondedAt, shareUsed, usedMinutes } from '@psa/domain/sla';
import { toIso } from '@psa/service-kit/database';
import type { DeskSettings } from '../desk/settings.ts';
import type { TicketRow } from '../tickets/row.ts';
import { epochMs, epochMsOrNull, pausesOf, SLA_KINDS, type SlaKind } from './clock.ts';

type Clocked = Pick<
  TicketRow,
  | 'sla_policy_id'
  | 'priority'
  | 'created_at'
  | 'sla_pauses'
  | 'first_response_at'
  | 'resolved_at'
  | `sla_${SlaKind}_${'state' | 'due' | 'risk_at'}`
>;

const NO_CLOCK: SlaClock = { phase: 'none', share_used: null, risk_at: null, due_at: null, done_at: null };

/**
 * Both clocks of a ticket at `now`, from what its row holds. Only the share is reckoned here, which costs a few
 * look-ups, so every row of a list has it.
 */
export function slaView(settings: DeskSettings, row: Clocked, now: Date): TicketSla {
  const times: Times = {
    now: now.getTime(),
    start: epochMs(row.created_at),
    respondedAt: epochMsOrNull(row.first_response_at),
    resolvedAt: epochMsOrNull(row.resolved_at),
    pauses: pausesOf(row.sla_pauses),
  };
  const response = clockView(settings, row, 'response', times);
  const resolution = clockView(settings, row, 'resolution', times);
  const clocks = { response, resolution };
  const unreached = SLA_KINDS.filter((kind) => runs(clocks[kind])).sort((a, b) =>
    clocks[a].due_at! < clocks[b].due_at! ? -1 : clocks[a].due_at! > clocks[b].due_at! ? 1 : 0,
  );
  const resting =
    SLA_KINDS.find((kind) => clocks[kind].phase === 'paused') ??
    SLA_KINDS.findLast((kind) => clocks[kind].phase !== 'none');
  const shown = unreached[0] ?? resting ?? null;
  return { shown, due_at: unreached[0] ? clocks[unreached[0]].due_at : null, response, resolution };
}

/** Not reached yet, and not standing still: what `sla_due_at` of the table takes into account. */
const runs = (clock: SlaClock) => clock.done_at === null && clock.due_at !== null;

/** Of a row, read once for both clocks; epoch milliseconds. */
interface Times {
  readonly now: number;
  readonly start: number;
  readonly respondedAt: number | null;
  readonly resolvedAt: number | null;
  readonly pauses: ReturnType<typeof pausesOf>;
}

function clockView(settings: DeskSettings, row: Clocked, kind: SlaKind, times: Times): SlaClock {
  const state = row[`sla_${kind}_state`];
  if (state === 'none') return NO_CLOCK;
  const { now, start, pauses } = times;
  const achievedAt =
    kind === 'response' ? respondedAt(times.respondedAt, times.resolvedAt) : times.resolvedAt;
  const [due, risk] = [row[`sla_${kind}_due`], row[`sla_${kind}_risk_at`]];
  const phase = phaseOf(state, epochMsOrNull(risk), epochMsOrNull(due), now);
  const used = row.sla_policy_id === null ? undefined : settings.policies.get(row.sla_policy_id);
  const target = used?.policy.targets[row.priority]?.[`${kind}_minutes`] ?? null;
  return {
    phase,
    share_used:
      used && target !== null
        ? shareUsed(usedMinutes({ start, achievedAt, pauses, calendar: used.calendar, now }), target, phase)
        : null,
    risk_at: toIso(risk),
    due_at: toIso(due),
    done_at: achievedAt === null ? null : new Date(achievedAt).toISOString(),
  };
}
