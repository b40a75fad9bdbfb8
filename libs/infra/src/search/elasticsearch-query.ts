import type { estypes } from '@elastic/elasticsearch';
import type { MatchQuery, SearchQuery } from '@psa/contracts/ports/search';
import { TEXT_FIELDS, type TextField } from './elasticsearch-definition.ts';
import { asWritten } from './joined.ts';
import type { Choice, Clause, Group, Term } from './query-text.ts';
import { forgivenEdits } from './words.ts';

type Query = estypes.QueryDslQueryContainer;

/** Widened terms: the folded word → the words that stand in for it. */
export type Widened = ReadonlyMap<string, readonly string[]>;

/** A document whose keyword was typed whole stands before all others. */
const EXACT = 1_000;
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
 * All groups must match; each counts by the best field it stands in. Constants instead of BM25: how often a word
 * occurs with other tenants does not change the order here, and equals go by date.
 */
export function matching(
  asker: Asker,
  groups: readonly Group[],
  identifiers: readonly string[],
  widened: Widened,
): Query {
  return {
    bool: {
      filter: visibleTo(asker),
      must: groups.map((group) => ({
        dis_max: {
          queries: [
            ...HEAD.map((field) => counting(TEXT_FIELDS[field], groupIn([field], group, widened))),
            counting(1, groupIn(fieldsOf(asker), group, widened)),
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
        ...(identifiers.length === 0
          ? []
          : [
              {
                constant_score: {
                  filter: { terms: { exact: [...identifiers] } },
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

/** Documents with one term that the asker may see. */
export const having = (asker: Asker, term: Term): Query => ({
  bool: { filter: [...visibleTo(asker), clauseIn(fieldsOf(asker), [term], new Map())] },
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
        ...fields.flatMap((field) => asWritten(joined).map((form) => ({ match: { [field]: form } }))),
      ]);

const groupIn = (fields: readonly TextField[], { choices, joined }: Group, widened: Widened): Query =>
  orJoined(fields, allOf(choices.map((choice) => choiceIn(fields, choice, widened))), joined);

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
