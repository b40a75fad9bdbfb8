import Type from 'typebox';
import { Closed, Line, Nullable, StringEnum, Timestamp, Uuid } from './common.ts';
import { MOST_IDS, SYNONYM_LIMITS } from './limits.ts';
import { TICKET_STATUSES } from './tickets.ts';

/** What a person types to search. */
const Q = Type.String({ minLength: 1, maxLength: 200, pattern: '^[^\\u0000]*$' });

const STATUSES = [...TICKET_STATUSES, 'open'];
const SEARCH_SORTS = ['relevance', 'newest', 'due'] as const;

/** `GET /search`: one query over tickets, customers and contacts. */
export const SearchRequestQuery = Closed({
  q: Q,
  types: Type.Optional(
    Type.String({
      pattern: '^(ticket|customer|contact)(,(ticket|customer|contact))*$',
      description: 'one or several of: ticket, customer, contact',
    }),
  ),
  status: Type.Optional(
    Type.String({
      maxLength: 300,
      pattern: `^(${STATUSES.join('|')})(,(${STATUSES.join('|')}))*$`,
      description: `tickets alone, in one or several of: ${STATUSES.join(', ')}; open: all that are not resolved or closed`,
    }),
  ),
  customer_id: Type.Optional(Uuid),
  updated_after: Type.Optional(Timestamp),
  updated_before: Type.Optional(Timestamp),
  sort: Type.Optional(
    StringEnum(SEARCH_SORTS, {
      'x-values': SEARCH_SORTS,
      default: 'relevance',
      description:
        'newest: last changed first; due: tickets alone, as `sla_due` of their list orders them, up to 100 of a page, `offset` a multiple of `limit`',
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

const SynonymGroups = Type.Array(
  Type.Array(Line(SYNONYM_LIMITS.letters), { minItems: 2, maxItems: SYNONYM_LIMITS.expressions }),
  { maxItems: SYNONYM_LIMITS.groups },
);
/** What a search takes for the same: each list is of expressions that mean one thing. */
export const Synonyms = Type.Object({
  groups: SynonymGroups,
  /** The tenant has not set its own: these are the shipped ones. */
  shipped: Type.Boolean(),
  version: Type.Integer({ description: 'for If-Match; 0 while the shipped list holds' }),
  updated_at: Nullable(Timestamp),
});
export const SynonymsAnswer = Type.Object({ data: Synonyms });
/** `groups` null: the shipped list again. */
export const SetSynonymsRequest = Closed({ groups: Nullable(SynonymGroups) });

/** Answer of `POST /search/reindex`. */
export const ReindexStarted = Type.Object({ data: Type.Object({ started: Type.Boolean() }) });

/** Ids of matches that one answer may name. */
export const MOST_MATCHES = 200_000;

/** Asks for all matches of one type, for a list that filters, sorts and counts by itself. */
export const SearchMatchesRequest = Closed({
  q: Q,
  type: StringEnum(['ticket', 'customer', 'contact']),
  /** Only objects of this customer. */
  customer_id: Type.Optional(Uuid),
  /** Only these. */
  ids: Type.Optional(Type.Array(Uuid, { maxItems: MOST_IDS })),
  /** When there are more, none are named, or the newest. */
  most: Type.Integer({ minimum: 1, maximum: MOST_MATCHES }),
  newest: Type.Optional(Type.Boolean()),
});
/** Ids of 16 bytes each, as base64, in three tiers: by whole keyword, by title and keywords, by text. */
export const SearchMatchesResponse = Type.Object({
  tiers: Type.Array(Type.String(), { minItems: 3, maxItems: 3 }),
  more: Type.Boolean(),
});

/** Asks how the matches in some objects are to be marked. */
export const SearchMarksRequest = Closed({
  q: Q,
  type: StringEnum(['ticket', 'customer', 'contact']),
  ids: Type.Array(Uuid, { maxItems: 100 }),
});
export const SearchMarksResponse = Type.Object({
  data: Type.Array(
    Type.Object({ id: Uuid, highlights: Type.Object({ title: Type.String(), body: Type.String() }) }),
  ),
});
