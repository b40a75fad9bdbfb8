import Type, { type Static } from 'typebox';
import { Closed, Nullable, StringEnum, Text, Uuid } from './common.ts';
import { PRIORITIES, Ticket } from './tickets.ts';

/** There is nothing to say: the queue knows. */
export const TakeNextRequest = Closed({});
/** What the queue ranks first for the asker; null where it has nothing for them. */
export const NextTicket = Nullable(Ticket);

/** Calls for help with a ticket: nothing goes down, and somebody is told why. */
export const EscalateTicketRequest = Closed({
  /** Stands in the ticket as an internal note. */
  reason: Text(2_000, 1),
  priority: Type.Optional(StringEnum(PRIORITIES, { description: 'the same or higher' })),
  assigned_to: Type.Optional(Uuid),
  team_id: Type.Optional(Uuid),
});
export type EscalateTicketRequest = Static<typeof EscalateTicketRequest>;
