import { fold, withoutUmlautSpelling } from '@psa/domain/text';
import type { Sql, TransactionSql } from 'postgres';

/** Stems of the words that were asked for. */
export interface Stems {
  /** German and English stem, folded, without doubles; the folded word for what has a digit. */
  of(word: string): readonly string[];
  /** True for words that say nothing by themselves in either language. */
  isStop(word: string): boolean;
}

interface Entry {
  readonly stems: readonly string[];
  readonly stop: boolean;
}

const MOST_KEPT = 200_000;
const HAS_DIGIT = /\p{N}/u;

/**
 * Asks PostgreSQL's own German and English stemmers (Snowball) for words and keeps the answers: words repeat so
 * much that nearly none is asked for twice.
 */
export class PostgresStems {
  readonly #kept = new Map<string, Entry>();

  /** What is kept, without asking; words that would have to be asked for are put into `missing`. */
  known(missing: Set<string>): Stems {
    const entry = (word: string): Entry | undefined => {
      const kept = this.#kept.get(word);
      if (!kept && !HAS_DIGIT.test(word)) missing.add(word);
      return kept;
    };
    return {
      of: (word) => entry(word)?.stems ?? [fold(word)],
      isStop: (word) => entry(word)?.stop ?? false,
    };
  }

  /** @param words lower case, with umlauts */
  async lookUp(sql: Sql | TransactionSql, words: Iterable<string>): Promise<Stems> {
    const missing = new Set<string>();
    const needed = new Map<string, Entry>();
    for (const word of withOtherSpellings(words)) {
      const kept = this.#kept.get(word);
      if (kept) needed.set(word, kept);
      else if (HAS_DIGIT.test(word)) needed.set(word, { stems: [fold(word)], stop: false });
      else missing.add(word);
    }
    if (missing.size > 0) {
      const rows = await sql<{ word: string; de: string[] | null; en: string[] | null }[]>`
        select word, ts_lexize('pg_catalog.german_stem', word) as de, ts_lexize('pg_catalog.english_stem', word) as en
        from unnest(${[...missing]}::text[]) as w(word)`;
      if (this.#kept.size + rows.length > MOST_KEPT) this.#kept.clear();
      for (const { word, de, en } of rows) {
        const stems = [...new Set([...(de ?? []), ...(en ?? [])].map(fold))];
        const entry = {
          stems: stems.length > 0 ? stems : [fold(word)],
          stop: de?.length === 0 || en?.length === 0,
        };
        this.#kept.set(word, entry);
        needed.set(word, entry);
      }
    }
    return {
      of: (word) => needed.get(word)?.stems ?? [fold(word)],
      isStop: (word) => needed.get(word)?.stop ?? false,
    };
  }
}

function* withOtherSpellings(words: Iterable<string>): Generator<string> {
  for (const word of words) {
    yield word;
    const other = withoutUmlautSpelling(fold(word));
    if (other !== null) yield other;
  }
}
