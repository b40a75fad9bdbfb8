import Type from 'typebox';
import { Closed, StringEnum, Timestamp, Uuid } from './common.ts';

/** `GET /search`: one query over tickets, customers and contacts. */
export const SearchRequestQuery = Closed({
  q: Type.String({ minLength: 1, maxLength: 200, pattern: '^[^\\u0000]*$' }),
  types: Type.Optional(
    Type.String({
      pattern: '^(ticket|customer|contact)(,(ticket|customer|contact))*$',
      description: 'one or several of: ticket, customer, contact',
    }),
  ),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 20 })),
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000, default: 0 })),
});
export const SearchHitView = Type.Object({
  type: StringEnum(['ticket', 'customer', 'contact']),
  id: Uuid,
  score: Type.Number(),
  title: Type.String(),
  highlights: Type.Object({ title: Type.String(), body: Type.String() }),
  summary: Type.Record(Type.String(), Type.Unknown()),
  updated_at: Timestamp,
});
export const SearchResponse = Type.Object({
  data: Type.Array(SearchHitView),
  meta: Type.Object({
    total: Type.Integer(),
    total_relation: StringEnum(['eq', 'gte']),
    limit: Type.Integer(),
    offset: Type.Integer(),
    corrected: Type.Record(Type.String(), Type.Array(Type.String())),
    took_ms: Type.Number(),
  }),
});

/** Answer of `POST /search/reindex`. */
export const ReindexStarted = Type.Object({ data: Type.Object({ started: Type.Boolean() }) });
