import type { SlaDeadline } from '@psa/ui/sla-state';
import type { Ticket } from '../api/types.ts';

type Clocked = Partial<
  Pick<
    Ticket,
    | 'status'
    | 'sla_response_due'
    | 'sla_resolution_due'
    | 'first_response_at'
    | 'resolved_at'
    | 'sla_paused_since'
    | 'created_at'
  >
>;

export type NamedDeadline = SlaDeadline & { kind: 'response' | 'resolution' };

export function responseDeadline(ticket: Clocked): NamedDeadline {
  return {
    kind: 'response',
    dueAt: ticket.sla_response_due ?? null,
    startedAt: ticket.created_at ?? null,
    metAt: ticket.first_response_at ?? null,
    pausedAt: ticket.sla_paused_since ?? null,
  };
}

export function resolutionDeadline(ticket: Clocked): NamedDeadline {
  return {
    kind: 'resolution',
    dueAt: ticket.sla_resolution_due ?? null,
    startedAt: ticket.created_at ?? null,
    metAt: ticket.resolved_at ?? null,
    pausedAt: ticket.sla_paused_since ?? null,
  };
}

/** The deadline that counts next: the first response until it is given, then the resolution. */
export function nextDeadline(ticket: Clocked): NamedDeadline {
  const waitsForResponse =
    !ticket.first_response_at && !ticket.resolved_at && ticket.sla_response_due != null;
  return waitsForResponse ? responseDeadline(ticket) : resolutionDeadline(ticket);
}
