import Type from 'typebox';
import { Nullable, Uuid } from '../common.ts';

/** What every ticket event says of its ticket: enough for search, mail and dashboards without a look-up. */
export const TicketFacts = Type.Object({
  ticket_id: Uuid,
  ticket_number: Type.Integer(),
  title: Type.String(),
  description: Type.String(),
  status: Type.String(),
  priority: Type.String(),
  category: Nullable(Type.String()),
  tags: Type.Array(Type.String()),
  customer_id: Uuid,
  requester_id: Nullable(Uuid),
  /** For whom it was entered, and by whom. Events from before that was kept have neither. */
  contact_id: Type.Optional(Nullable(Uuid)),
  created_by: Type.Optional(Nullable(Uuid)),
  assigned_to: Nullable(Uuid),
  team_id: Nullable(Uuid),
  version: Type.Integer(),
});
const Change = Type.Object({ field: Type.String(), from: Type.Unknown(), to: Type.Unknown() });
const Changed = Type.Object({ ticket: TicketFacts, changes: Type.Array(Change) });
/**
 * Users who may not see the ticket any more, unless they do for another reason: an open page learns by this event that
 * it is gone.
 */
const takenFrom = Type.Array(Uuid);
const Watching = { ticket: TicketFacts, user_id: Uuid };
const Time = Type.Object({
  ticket: TicketFacts,
  time_entry_id: Uuid,
  user_id: Uuid,
  minutes: Type.Integer(),
  billable: Type.Boolean(),
});
const File = {
  ticket: TicketFacts,
  attachment_id: Uuid,
  file_name: Type.String(),
  visibility: Type.String(),
};
/** Whoever sees the ticket. */
const ofTicket = { service: 'tickets', seenWith: 'ticket:view:own' } as const;

export const ticketEvents = {
  'ticket.opened.v1': {
    description: 'a ticket was opened',
    ...ofTicket,
    data: Type.Object({ ticket: TicketFacts }),
  },
  'ticket.updated.v1': {
    description: 'fields of a ticket changed, its status did not',
    ...ofTicket,
    data: Changed,
  },
  'ticket.status_changed.v1': { description: 'the status of a ticket changed', ...ofTicket, data: Changed },
  'ticket.assigned.v1': {
    description: 'a ticket was given to a technician or team, or taken from one',
    ...ofTicket,
    data: Type.Object({ ...Changed.properties, taken_from: Type.Optional(takenFrom) }),
  },
  'ticket.escalated.v1': {
    description: 'somebody calls for help with a ticket',
    ...ofTicket,
    data: Type.Object({
      ticket: TicketFacts,
      reason: Type.String(),
      /** Colleagues whom it is for, without whoever calls. */
      told: Type.Array(Uuid),
    }),
  },
  'ticket.watched.v1': {
    description: 'somebody watches a ticket now',
    ...ofTicket,
    data: Type.Object(Watching),
  },
  'ticket.unwatched.v1': {
    description: 'somebody watches a ticket no more',
    ...ofTicket,
    data: Type.Object({ ...Watching, taken_from: takenFrom }),
  },
  'ticket.commented.v1': {
    description: 'a public reply or an internal note was written',
    ...ofTicket,
    data: Type.Object({
      ticket: TicketFacts,
      comment_id: Uuid,
      visibility: Type.String(),
      body: Type.String(),
    }),
  },
  'ticket.attached.v1': {
    description: 'a file was attached',
    ...ofTicket,
    data: Type.Object({ ...File, size: Type.Integer() }),
  },
  'ticket.detached.v1': { description: 'a file was removed', ...ofTicket, data: Type.Object(File) },
  'ticket.time_logged.v1': { description: 'working time was booked', ...ofTicket, data: Time },
  'ticket.time_changed.v1': {
    description: 'an entry of working time was corrected; the event says what it is now',
    ...ofTicket,
    data: Time,
  },
  'ticket.time_deleted.v1': {
    description: 'an entry of working time was taken back',
    ...ofTicket,
    data: Time,
  },
  'ticket.sla_breached.v1': {
    description: 'a deadline passed',
    ...ofTicket,
    data: Type.Object({ ticket: TicketFacts, kind: Type.String(), due_at: Type.String() }),
  },
  'ticket.sla_at_risk.v1': {
    description: 'a clock of the ticket is at risk: most of its business time is used',
    ...ofTicket,
    data: Type.Object({ ticket: TicketFacts, kind: Type.String(), due_at: Type.String() }),
  },
  'ticket.imported.v1': {
    description: 'a ticket came from another system with its history',
    ...ofTicket,
    data: Type.Object({
      ticket: TicketFacts,
      source: Type.String(),
      external_id: Type.String(),
      history: Type.Integer(),
    }),
  },
  'ticket.restored.v1': {
    description: 'a ticket, or what was lost of it, came back out of a backup',
    ...ofTicket,
    data: Type.Object({
      ticket: TicketFacts,
      /** The backup that it is from; null: whoever put it back did not say. */
      backup: Nullable(Type.String()),
      /** Its comments and the names of its files, all or, where one event is too small for them, a part. */
      texts: Type.Array(
        Type.Object({ id: Uuid, visibility: Type.String(), body: Type.String(), written_at: Type.String() }),
      ),
    }),
  },
  'ticket.deleted.v1': {
    description: 'a ticket was deleted',
    ...ofTicket,
    data: Type.Object({ ticket: TicketFacts }),
  },
  'desk.changed.v1': {
    description: 'a team, calendar, SLA policy or assignment rule changed',
    service: 'tickets',
    seenWith: 'desk:view',
    data: Type.Object({ object: Type.String(), id: Uuid, change: Type.String() }),
  },
} as const;
