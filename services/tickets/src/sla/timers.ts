import { systemContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { emit } from '@psa/service-kit/outbox';
import type { Timer, TimerHandler } from '@psa/service-kit/timers';
import type { TicketsDeps } from '../deps.ts';
import { findTicket } from '../tickets/repository.ts';
import { ticketFacts } from '../tickets/row.ts';
import { refreshClocks, ticketEvent } from '../tickets/service.ts';
import { SLA_KINDS, type SLA_TIMERS, type SlaKind, slaOutcome } from './clock.ts';

/** What happens when a deadline passes, or when its clock comes to be at risk. */
export function slaTimerHandlers(deps: TicketsDeps): Record<(typeof SLA_TIMERS)[number], TimerHandler> {
  const load = async (tx: Tx, timer: Timer) => {
    const ctx = systemContext(timer.tenant_id, `timer:${timer.kind}:${timer.key}`);
    const ticket = await findTicket(tx, ctx, timer.key, true);
    return { ctx, ticket, settings: await deps.settings.current(tx, ctx) };
  };
  const breach: TimerHandler = async (tx, timer) => {
    const { ctx, ticket, settings } = await load(tx, timer);
    if (ticket) await refreshClocks(deps, tx, ctx, ticket, settings);
  };
  const risk =
    (kind: SlaKind): TimerHandler =>
    async (tx, timer) => {
      const { ctx, ticket, settings } = await load(tx, timer);
      if (!ticket) return;
      const now = deps.clock.now();
      const { columns } = slaOutcome(settings, ticket, now);
      const due = columns[`sla_${kind}_due`];
      if (ticket[`sla_${kind}_risk_at`] === null && columns[`sla_${kind}_risk_at`] !== null) {
        // Written by a release that did not know the column.
        await tx.sql`update tickets set ${tx.sql(`sla_${kind}_risk_at`)} = ${columns[`sla_${kind}_risk_at`]}
          where tenant_id = ${timer.tenant_id} and id = ${ticket.id}`;
      }
      // A clock that was paused or answered meanwhile is at no risk.
      if (columns[`sla_${kind}_state`] !== 'running' || due === null) return;
      const data = { ticket: ticketFacts(ticket), kind, due_at: due };
      await emit(deps, tx, ctx, [ticketEvent('ticket.sla_at_risk.v1', ticket, data, false)], now);
    };
  return Object.fromEntries(
    SLA_KINDS.flatMap((kind) => [
      [`sla_${kind}_breach`, breach],
      [`sla_${kind}_risk`, risk(kind)],
    ]),
  ) as Record<(typeof SLA_TIMERS)[number], TimerHandler>;
}
