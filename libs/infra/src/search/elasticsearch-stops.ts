import type { Client } from '@elastic/elasticsearch';
import { ENGLISH, GERMAN } from './elasticsearch-definition.ts';
import type { StopWords } from './query-text.ts';

const STOPS_KEPT = 50_000;

/** Which words Elasticsearch's own stop lists have. Asked once for each word. */
export class ElasticsearchStops {
  readonly #client: Client;
  readonly #index: string;
  readonly #kept = new Map<string, boolean>();

  constructor(client: Client, index: string) {
    this.#client = client;
    this.#index = index;
  }

  async of(words: readonly string[]): Promise<StopWords> {
    const missing = [...new Set(words)].filter((word) => !this.#kept.has(word));
    if (missing.length > 0) {
      const left = await Promise.all([this.#analyzed(GERMAN, missing), this.#analyzed(ENGLISH, missing)]);
      if (this.#kept.size > STOPS_KEPT) this.#kept.clear();
      for (const [i, word] of missing.entries()) {
        this.#kept.set(
          word,
          left.some((places) => !places.has(i)),
        );
      }
    }
    const known = new Map(words.map((word) => [word, this.#kept.get(word) ?? false]));
    return { isStop: (word) => known.get(word) ?? false };
  }

  /** Places of the words that an analyzer leaves. */
  async #analyzed(analyzer: string, words: readonly string[]): Promise<Set<number>> {
    const { tokens } = await this.#client.indices.analyze({
      index: this.#index,
      analyzer,
      text: words.join(' '),
    });
    return new Set(tokens?.map((token) => token.position));
  }
}
