import type { estypes } from '@elastic/elasticsearch';
import type { MatchQuery, SearchFilter, SearchQuery } from '@psa/contracts/ports/search';
import { OPEN, TEXT_FIELDS, type TextField } from './elasticsearch-definition.ts';
import { asWritten, endingWith } from './joined.ts';
import type { Choice, Clause, Group, Term } from './query-text.ts';
import { forgivenEdits } from './words.ts';

type Query = estypes.QueryDslQueryContainer;

/** Widened terms: the folded word → the words that stand in for it. */
export type Widened = ReadonlyMap<string, readonly string[]>;

/** A document whose keyword or title was typed whole stands before all others. */
const EXACT = 1_000;
/** What goes on counts so much more, as in PostgreSQL (`search.ranked`); and one for each of these ages it is below. */
const GOES_ON = 6;
const AGES = [7, 30, 90, 180] as const;
const DAY = 86_400_000;
/** Words of the index looked at for a beginning within quotes or a mistyped word. They are of all tenants. */
const EXPANSIONS = 500;

/** Whom an answer is for: part of every query that leaves the adapter. */
export type Asker = Pick<SearchQuery, 'tenant_id' | 'customer_id' | 'types' | 'only'> &
  Pick<MatchQuery, 'only_customer'>;

/** What the asker may see, and nothing else. */
function visibleTo(asker: Asker): Query[] {
  return [
    { term: { tenant_id: asker.tenant_id } },
    { term: { removed: false } },
    ...(asker.customer_id === null ? [] : [{ term: { customer_id: asker.customer_id } }]),
    ...(asker.only_customer === undefined ? [] : [{ term: { customer_id: asker.only_customer } }]),
    ...(asker.types ? [{ terms: { type: [...asker.types] } }] : []),
    ...(asker.only ? [anyOf(asker.only)] : []),
  ];
}

/** What of the matches is wanted. */
function narrowing({ statuses, customer_id, updated_after, updated_before }: SearchFilter): Query[] {
  return [
    ...(statuses === undefined ? [] : [{ terms: { state: [...statuses] } }]),
    ...(customer_id === undefined ? [] : [{ term: { customer_id } }]),
    ...(updated_after === undefined ? [] : [{ range: { updated_at: { gte: updated_after } } }]),
    ...(updated_before === undefined ? [] : [{ range: { updated_at: { lt: updated_before } } }]),
  ];
}

/** State and age. The same all day long, so that pages fit together. */
function current(now: string): Query[] {
  const tomorrow = (Math.floor(Date.parse(now) / DAY) + 1) * DAY;
  return [
    { constant_score: { filter: { term: { state: OPEN } }, boost: GOES_ON } },
    ...AGES.map((days) => ({
      constant_score: {
        filter: { range: { updated_at: { gt: new Date(tomorrow - days * DAY).toISOString() } } },
        boost: 1,
      },
    })),
  ];
}

/** Of the type only these; all of the others. */
const anyOf = ({ type, ids }: NonNullable<Asker['only']>): Query => ({
  bool: {
    should: [{ terms: { id: [...ids] } }, { bool: { must_not: [{ term: { type } }] } }],
    minimum_should_match: 1,
  },
});

/** The texts that the asker may search: internal ones are not for portal users. */
export function fieldsOf(asker: Asker): TextField[] {
  const all = Object.keys(TEXT_FIELDS) as TextField[];
  return asker.customer_id === null ? all : all.filter((field) => field !== 'internal');
}

const HEAD: readonly TextField[] = ['title', 'keywords'];
/** Names of the parts of a query that tell how a match came about. */
export const BY_KEYWORD = 'keyword';
export const BY_HEAD = 'head';

/**
 * All groups must match; they count by the best field that each stands in. Constants instead of BM25: how often a word
 * occurs with other tenants does not change the order here, and equals go by date.
 */
export function matching(
  asker: Asker & Pick<SearchQuery, 'filter' | 'now'>,
  groups: readonly Group[],
  /** Keywords and titles. */
  exact: readonly string[],
  widened: Widened,
): Query {
  const share = (field: number) => field / groups.length;
  return {
    bool: {
      filter: [...visibleTo(asker), ...narrowing(asker.filter ?? {})],
      must: groups.map((group) => ({
        dis_max: {
          queries: [
            ...HEAD.map((field) => counting(share(TEXT_FIELDS[field]), groupIn([field], group, widened))),
            counting(share(1), groupIn(fieldsOf(asker), group, widened)),
          ],
        },
      })),
      should: [
        // Named for `matches`; counts nothing.
        {
          constant_score: {
            filter: { bool: { filter: groups.map((group) => groupIn(HEAD, group, widened)) } },
            boost: 0,
            _name: BY_HEAD,
          },
        },
        ...current(asker.now ?? new Date().toISOString()),
        ...(exact.length === 0
          ? []
          : [
              {
                constant_score: {
                  filter: { terms: { exact: [...exact] } },
                  boost: EXACT,
                  _name: BY_KEYWORD,
                },
              },
            ]),
      ],
    },
  };
}

const counting = (boost: number, filter: Query): Query => ({ constant_score: { filter, boost } });

/** Documents with one term, or what means the same, that the asker may see. */
export const having = (asker: Asker, group: Group): Query => ({
  bool: { filter: [...visibleTo(asker), groupIn(fieldsOf(asker), group, new Map())] },
});

/** Documents with words like a mistyped one that the asker may see, those with the nearest words first. */
export const resembling = (asker: Asker, term: Term): Query => ({
  bool: {
    filter: visibleTo(asker),
    must: {
      dis_max: {
        queries: fieldsOf(asker).map((field) => ({
          match: {
            [field]: {
              query: term.word,
              fuzziness: forgivenEdits(term.folded),
              max_expansions: EXPANSIONS,
            },
          },
        })),
      },
    },
  },
});

const oneOf = (queries: Query[]): Query =>
  queries.length === 1 ? queries[0]! : { bool: { should: queries, minimum_should_match: 1 } };
const allOf = (queries: Query[]): Query =>
  queries.length === 1 ? queries[0]! : { bool: { filter: queries } };

/** The words, or the number that they make without its signs. */
const orJoined = (fields: readonly TextField[], query: Query, joined: string | null): Query =>
  joined === null
    ? query
    : oneOf([
        query,
        ...fields.flatMap((field) => [
          ...asWritten(joined).map((form) => ({ match: { [field]: form } })),
          ...endsIn(field, joined),
        ]),
      ]);

/** The telephone numbers that end with these digits. */
function endsIn(field: TextField, joined: string): Query[] {
  const end = endingWith(joined);
  return end === null ? [] : [{ match_bool_prefix: { [field]: end } }];
}

function groupIn(fields: readonly TextField[], group: Group, widened: Widened): Query {
  const { choices, joined, instead = [] } = group;
  const typed = orJoined(fields, allOf(choices.map((choice) => choiceIn(fields, choice, widened))), joined);
  return oneOf([typed, ...instead.map((clause) => clauseIn(fields, clause, new Map()))]);
}

const choiceIn = (fields: readonly TextField[], { clauses, joined }: Choice, widened: Widened): Query =>
  orJoined(fields, allOf(clauses.map((clause) => clauseIn(fields, clause, widened))), joined);

const clauseIn = (fields: readonly TextField[], clause: Clause, widened: Widened): Query =>
  oneOf(
    fields.flatMap((field) =>
      clause.length === 1 ? wordIn(field, clause[0]!, widened) : phraseIn(field, clause, widened),
    ),
  );

function wordIn(field: TextField, term: Term, widened: Widened): Query[] {
  const instead = widened.get(term.folded);
  return [
    ...(instead ?? [term.word]).flatMap((word) =>
      variants(field).map((variant) => ({ match: { [variant]: word } })),
    ),
    ...(term.prefix && !instead ? [{ match_bool_prefix: { [field]: term.word } }] : []),
  ];
}

/** Words side by side. A stop word within keeps its place. */
function phraseIn(field: TextField, clause: Clause, widened: Widened): Query[] {
  if (clause.some((term) => widened.has(term.folded))) return [widenedPhrase(field, clause, widened)];
  const words = clause.map((term) => term.word).join(' ');
  return [
    ...variants(field).map((variant) => ({ match_phrase: { [variant]: words } })),
    ...(clause.at(-1)!.prefix
      ? [{ match_phrase_prefix: { [field]: { query: words, max_expansions: EXPANSIONS } } }]
      : []),
  ];
}

function widenedPhrase(field: TextField, clause: Clause, widened: Widened): Query {
  const places = clause.map((term) => ({
    any_of: {
      intervals: (widened.get(term.folded) ?? [term.word]).map((word) => ({ match: { query: word } })),
    },
  }));
  return { intervals: { [field]: { all_of: { ordered: true, max_gaps: 0, intervals: places } } } };
}

/** A field as written, and by its German and English stems. */
export const variants = (field: TextField) => [field, `${field}.de`, `${field}.en`];
