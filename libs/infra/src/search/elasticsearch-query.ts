import type { estypes } from '@elastic/elasticsearch';
import type { SearchQuery } from '@psa/contracts/ports/search';
import { TEXT_FIELDS, type TextField } from './elasticsearch-definition.ts';
import type { Clause, Term } from './query-text.ts';
import { forgivenEdits } from './words.ts';

type Query = estypes.QueryDslQueryContainer;

/** Widened terms: the folded word → the words that stand in for it. */
export type Widened = ReadonlyMap<string, readonly string[]>;

/** A document whose keyword was typed whole stands before all others. */
const EXACT = 1_000;
/** Words of the index looked at for a beginning within quotes or a mistyped word. They are of all tenants. */
const EXPANSIONS = 500;

/** Whom an answer is for: part of every query that leaves the adapter. */
type Asker = Pick<SearchQuery, 'tenant_id' | 'customer_id' | 'owner_id' | 'types'>;

/** What the asker may see, and nothing else. */
function visibleTo(asker: Asker): Query[] {
  return [
    { term: { tenant_id: asker.tenant_id } },
    { term: { removed: false } },
    ...(asker.customer_id === null ? [] : [{ term: { customer_id: asker.customer_id } }]),
    ...(asker.owner_id === null ? [] : [{ term: { owner_ids: asker.owner_id } }]),
    ...(asker.types ? [{ terms: { type: [...asker.types] } }] : []),
  ];
}

/** The texts that the asker may search: internal ones are not for portal users. */
export function fieldsOf(asker: Asker): TextField[] {
  const all = Object.keys(TEXT_FIELDS) as TextField[];
  return asker.customer_id === null ? all : all.filter((field) => field !== 'internal');
}

/**
 * All clauses must match; each counts by the best field it stands in. Constants instead of BM25: how often a word
 * occurs with other tenants does not change the order here, and equals go by date.
 */
export function matching(
  asker: Asker,
  clauses: readonly Clause[],
  identifiers: readonly string[],
  widened: Widened,
): Query {
  return {
    bool: {
      filter: visibleTo(asker),
      must: clauses.map((clause) =>
        clause.length === 1 ? termQuery(asker, clause[0]!, widened) : phraseQuery(asker, clause, widened),
      ),
      should:
        identifiers.length === 0
          ? []
          : [{ constant_score: { filter: { terms: { exact: [...identifiers] } }, boost: EXACT } }],
    },
  };
}

/** Documents with one term that the asker may see. */
export const having = (asker: Asker, term: Term): Query => ({
  bool: { filter: [...visibleTo(asker), termQuery(asker, term, new Map())] },
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

function termQuery(asker: Asker, term: Term, widened: Widened): Query {
  const instead = widened.get(term.folded);
  return bestField(asker, (field) => [
    ...(instead ?? [term.word]).flatMap((word) =>
      variants(field).map((variant) => ({ match: { [variant]: word } })),
    ),
    ...(term.prefix && !instead ? [{ match_bool_prefix: { [field]: term.word } }] : []),
  ]);
}

/** Words side by side. A stop word within keeps its place. */
function phraseQuery(asker: Asker, clause: Clause, widened: Widened): Query {
  if (clause.some((term) => widened.has(term.folded))) return widenedPhrase(asker, clause, widened);
  const words = clause.map((term) => term.word).join(' ');
  return bestField(asker, (field) => [
    ...variants(field).map((variant) => ({ match_phrase: { [variant]: words } })),
    ...(clause.at(-1)!.prefix
      ? [{ match_phrase_prefix: { [field]: { query: words, max_expansions: EXPANSIONS } } }]
      : []),
  ]);
}

function widenedPhrase(asker: Asker, clause: Clause, widened: Widened): Query {
  const places = clause.map((term) => ({
    any_of: {
      intervals: (widened.get(term.folded) ?? [term.word]).map((word) => ({ match: { query: word } })),
    },
  }));
  return bestField(asker, (field) => [
    { intervals: { [field]: { all_of: { ordered: true, max_gaps: 0, intervals: places } } } },
  ]);
}

const bestField = (asker: Asker, queries: (field: TextField) => Query[]): Query => ({
  dis_max: {
    queries: fieldsOf(asker).map((field) => ({
      constant_score: { filter: { bool: { should: queries(field) } }, boost: TEXT_FIELDS[field] },
    })),
  },
});

/** A field as written, and by its German and English stems. */
export const variants = (field: TextField) => [field, `${field}.de`, `${field}.en`];
