import { randomUUID } from 'node:crypto';
import type { EventEnvelope } from '@psa/contracts/events/envelope';
import type { Peers } from '@psa/service-kit/peers';

/** An event as the bus delivers it. */
export const searchEvent = (
  tenantId: string,
  type: string,
  customerId: string,
  data: Record<string, unknown>,
  more: Partial<EventEnvelope> = {},
): EventEnvelope => ({
  id: randomUUID(),
  type,
  version: 1,
  tenant_id: tenantId,
  customer_id: customerId,
  aggregate: { type: type.split('.')[0]!, id: randomUUID() },
  occurred_at: '2026-03-02T09:00:00.000Z',
  correlation_id: 'test',
  causation_id: null,
  actor: { kind: 'staff', id: null, name: null },
  public: true,
  data,
  ...more,
});

/** What events say of a ticket, a customer, a contact; `more` replaces parts. */
export const ticketFacts = (customerId: string, more: Record<string, unknown> = {}) => ({
  ticket_id: randomUUID(),
  ticket_number: 1001,
  title: 'Ohne Titel',
  description: '',
  status: 'new',
  priority: 'medium',
  category: null,
  tags: [],
  customer_id: customerId,
  requester_id: null,
  assigned_to: null,
  team_id: null,
  version: 1,
  ...more,
});
export const customerFacts = (id: string, name: string, more: Record<string, unknown> = {}) => ({
  customer_id: id,
  customer_number: 10_001,
  name,
  status: 'active',
  email: null,
  tags: [],
  preferred_technician_id: null,
  sla_policy_id: null,
  version: 1,
  ...more,
});
export const contactFacts = (customerId: string, name: string, more: Record<string, unknown> = {}) => ({
  contact_id: randomUUID(),
  customer_id: customerId,
  name,
  email: null,
  phone: null,
  position: null,
  user_id: null,
  version: 1,
  ...more,
});

/** The tickets service as far as search asks it: `shown` are the tickets in the list of whoever sees only some. */
export function ticketsShowing(shown: string[]): Peers {
  return {
    request: async (service, { path }) =>
      service === 'tickets' && path === '/internal/tickets/visible'
        ? { status: 200, body: { ids: shown, more: false } }
        : { status: 404, body: null },
  };
}
