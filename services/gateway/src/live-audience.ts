import type { LiveMessage } from '@psa/contracts/event-api';
import { eventContract } from '@psa/contracts/events/catalog';
import { grants } from '@psa/contracts/permissions';
import type { AccessClaims } from '@psa/contracts/tokens';

/** Whether somebody learns that something happened; `ask`: the tickets service knows whether they see the ticket. */
export type Verdict = 'yes' | 'no' | 'ask';
type About = Pick<LiveMessage, 'type' | 'customer_id' | 'public' | 'aggregate' | 'taken_from'>;

/**
 * Everybody learns of what they may read, and of nothing else: with the permission that the event's definition names;
 * portal users of what is public and of their customer; whoever reads the history of events, of all that is in it.
 * Which tickets somebody sees who does not see all is the tickets service's to say (`policies/ticket.ts` there).
 */
export function mayLearn(claims: AccessClaims, event: About): Verdict {
  const held = new Set(claims.permissions);
  if (claims.audience !== 'staff') {
    if (event.public !== true || event.customer_id === null) return 'no';
    if (event.customer_id !== claims.customer_id) return 'no';
  } else {
    if (grants(held, 'event:view')) return 'yes';
    if (event.aggregate.type === 'user' && event.aggregate.id === claims.sub) return 'yes';
  }
  const needed = eventContract(event.type)?.seenWith;
  if (needed === undefined || !grants(held, needed)) return 'no';
  if (event.aggregate.type !== 'ticket' || grants(held, 'ticket:view:all')) return 'yes';
  return event.taken_from?.includes(claims.sub) ? 'yes' : 'ask';
}

/** Whether the rights of these claims may have ended with what happened. */
export function mayEnd(claims: AccessClaims, { type, aggregate }: Pick<LiveMessage, 'type' | 'aggregate'>) {
  switch (eventContract(type)?.endsSessionsOf) {
    case undefined:
      return false;
    case 'user':
      return aggregate.id === claims.sub;
    case 'customer':
      return aggregate.id === claims.customer_id;
    case 'anybody':
      return true;
  }
}
