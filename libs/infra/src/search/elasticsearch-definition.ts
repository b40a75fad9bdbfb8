import { createHash } from 'node:crypto';

/** The texts of a document that words are looked for in, with what a match there counts. */
export const TEXT_FIELDS = { title: 10, keywords: 5, body: 1, internal: 1 } as const;
export type TextField = keyof typeof TEXT_FIELDS;

/** In `state`: it goes on. No status has such a name. */
export const OPEN = '$open';
const PLAIN = 'psa_plain';
export const GERMAN = 'psa_german';
export const ENGLISH = 'psa_english';

/**
 * The parts of Elasticsearch's own `german` and `english` analyzers behind one tokenizer, which takes the words that
 * `prepared.ts` has cut. `german_normalization` makes one spelling of
 * Müller, Mueller and Muller; the stems of the stemmers never meet the words as written (`psa_plain`), which serve
 * beginnings, typing errors and numbers.
 */
const analysis = {
  tokenizer: {
    psa_words: { type: 'pattern', pattern: '[\\p{L}\\p{N}][\\p{L}\\p{N}\\p{M}]*', group: 0 },
  },
  filter: {
    // Lucene refuses terms over 32 kB; no word is longer than this.
    psa_length: { type: 'truncate', length: 64 },
    psa_german_stop: { type: 'stop', stopwords: '_german_' },
    psa_german_stem: { type: 'stemmer', language: 'light_german' },
    psa_english_stop: { type: 'stop', stopwords: '_english_' },
    psa_english_stem: { type: 'stemmer', language: 'english' },
  },
  analyzer: {
    [PLAIN]: analyzer('german_normalization', 'asciifolding'),
    [GERMAN]: analyzer('psa_german_stop', 'german_normalization', 'psa_german_stem', 'asciifolding'),
    [ENGLISH]: analyzer('psa_english_stop', 'asciifolding', 'psa_english_stem'),
  },
} as const;

function analyzer(...filters: string[]) {
  return { type: 'custom', tokenizer: 'psa_words', filter: ['lowercase', 'psa_length', ...filters] } as const;
}

/** Only what is searched is indexed; where in the field a word stands, for phrases. No norms: scores are constants. */
const text = {
  type: 'text',
  analyzer: PLAIN,
  norms: false,
  fields: {
    de: { type: 'text', analyzer: GERMAN, norms: false },
    en: { type: 'text', analyzer: ENGLISH, norms: false },
  },
} as const;
const keyword = { type: 'keyword' } as const;

const mappings = {
  dynamic: 'strict',
  _routing: { required: true },
  properties: {
    tenant_id: keyword,
    type: keyword,
    id: keyword,
    customer_id: keyword,
    /** Written by releases before; asked for by none. */
    owner_ids: keyword,
    updated_at: { type: 'date' },
    /** Its status, and `OPEN` where it goes on. */
    state: keyword,
    // A removed document leaves its version, so that a late older one does not bring it back. Elasticsearch forgets
    // the version of a deleted one after a minute.
    removed: { type: 'boolean' },
    /** Whole keywords, lower case, and the key of the title. */
    exact: keyword,
    title: text,
    keywords: text,
    body: text,
    internal: text,
    // The texts as they were written: those above are in the form of `prepared.ts`.
    shown: { type: 'object', enabled: false },
    summary: { type: 'object', enabled: false },
  },
} as const;

/** Settings and mappings of the index. */
export const definition = {
  // With one node there is nowhere for a replica; it comes by itself with the second.
  settings: { number_of_shards: 1, auto_expand_replicas: '0-1', analysis },
  mappings,
} as const;

/** Ends the index's name: another definition is another index. */
export const definitionHash = createHash('sha256')
  .update(JSON.stringify(definition))
  .digest('hex')
  .slice(0, 8);
