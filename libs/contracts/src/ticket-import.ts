import Type, { type Static } from 'typebox';
import { Closed, Line, Nullable, StringEnum, Tag, Text, Timestamp, Uuid } from './common.ts';
import { PRIORITIES, TICKET_STATUSES } from './tickets.ts';

/** One recorded change of a ticket in another system, at its original time. */
const ImportedChange = Closed({
  occurred_at: Timestamp,
  actor_name: Nullable(Line(200)),
  kind: StringEnum(['created', 'changed']),
  changes: Type.Array(Closed({ field: Line(50), from: Nullable(Text(500)), to: Nullable(Text(500)) }), {
    maxItems: 50,
  }),
  /** Identifies the source row, so that it is taken once. */
  row_id: Line(200),
});
export const ImportTicketRequest = Closed({
  source: Line(50),
  tickets: Type.Array(
    Closed({
      external_id: Line(200),
      title: Line(200),
      description: Text(50_000, 1),
      status: StringEnum(TICKET_STATUSES),
      priority: StringEnum(PRIORITIES),
      category: Nullable(Line(50)),
      customer_id: Uuid,
      contact_id: Nullable(Uuid),
      assigned_to: Nullable(Uuid),
      team_external_id: Nullable(Line(200)),
      tags: Type.Array(Tag, { maxItems: 30, uniqueItems: true }),
      created_at: Timestamp,
      updated_at: Timestamp,
      first_response_at: Nullable(Timestamp),
      resolved_at: Nullable(Timestamp),
      closed_at: Nullable(Timestamp),
      reopen_count: Type.Integer({ minimum: 0, maximum: 100_000 }),
      sla_breached: Type.Boolean(),
      history: Type.Array(ImportedChange, { minItems: 1, maxItems: 1000 }),
    }),
    { minItems: 1, maxItems: 100 },
  ),
});
export type ImportTicketRequest = Static<typeof ImportTicketRequest>;
/** `history_added` counts rows written now, `history_known` rows that were there from an earlier run. */
export const ImportTicketResponse = Type.Object({
  tickets: Type.Array(
    Type.Object({
      external_id: Type.String(),
      id: Nullable(Uuid),
      outcome: StringEnum(['created', 'updated', 'unchanged', 'refused']),
      history_added: Type.Integer(),
      history_known: Type.Integer(),
      reason: Nullable(Type.String()),
    }),
  ),
});
export const ImportTeamsRequest = Closed({
  source: Line(50),
  teams: Type.Array(Closed({ external_id: Line(200), name: Line(100) }), { minItems: 1, maxItems: 500 }),
});
export const ImportTeamsResponse = Type.Object({
  teams: Type.Array(Type.Object({ external_id: Type.String(), id: Uuid, created: Type.Boolean() })),
});
