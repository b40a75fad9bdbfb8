import { randomUUID } from 'node:crypto';
import {
  HIGHLIGHT_START,
  type MatchQuery,
  type SearchDocument,
  type SearchIndex,
  type SearchQuery,
  type SearchResult,
} from '@psa/contracts/ports/search';
import { expect, it } from 'vitest';
import { RELEVANCE } from './search-relevance.ts';

/** A document of a tenant; what is not said is an empty ticket of nobody. */
export function searchDocument(tenantId: string, given: Partial<SearchDocument> = {}): SearchDocument {
  return {
    tenant_id: tenantId,
    type: 'ticket',
    id: randomUUID(),
    customer_id: null,
    title: '',
    body: '',
    internal: '',
    keywords: [],
    summary: {},
    version: 1,
    updated_at: '2026-03-02T09:00:00.000Z',
    ...given,
  };
}

export const titles = (result: SearchResult) => result.hits.map((hit) => hit.title);

/** How a part of the contract asks an adapter. */
export interface Asking {
  index(): SearchIndex;
  ask(tenantId: string, text: string, more?: Partial<SearchQuery>): Promise<SearchResult>;
  /** A fresh tenant with documents of these titles (or more). */
  tenantWith(...documents: (string | Partial<SearchDocument>)[]): Promise<string>;
}

/** What texts of all scripts and shapes are found by, and that none breaks the index: a part of the search contract. */
export function textsContract({ index, ask, tenantWith }: Asking): void {
  it.each(RELEVANCE)('of "%s" typing "%s" finds it: %s', async (text, typed, found) => {
    const { total, hits } = await ask(await tenantWith({ body: text }), typed);
    expect(total).toBe(found ? 1 : 0);
    if (found && !/\d/.test(typed)) expect(hits[0]!.highlights.body).toContain(HIGHLIGHT_START);
  });

  it('finds words that occur, but only mistyped ones together', async () => {
    const tenantId = await tenantWith('Kaputte Drucker', 'Neue Drukker bestellt', 'Kaputte Maus');
    const result = await ask(tenantId, 'kaputte drukker ');
    expect(titles(result)).toEqual(['Kaputte Drucker']);
    expect(result.corrected.drukker).toContain('drucker');
  });

  const hostile: [string, string][] = [
    ['a letter that unfolds into 18', '\uFDFA'.repeat(10_000)],
    ['one word of 10 kB', 'ß'.repeat(10_240)],
    ['10,000 accents', `a${'\u0301'.repeat(10_000)}`],
    ['ligatures', 'ﬃ'.repeat(5_000)],
    ['capital İ', 'İ'.repeat(5_000)],
    ['circled letters', '🅐🆎㍿㌀'.repeat(2_000)],
    ['emoji', '\u{1F600}\u{1F64F}\u200D'.repeat(3_000)],
    ['halves of characters', 'x\uD800y\uDC00'.repeat(2_000)],
    ['NUL', 'a\0b '.repeat(2_000)],
    ['marks of direction', '\u202E\u2066אב\u2069'.repeat(2_000)],
    [
      'a megabyte of different words',
      Array.from({ length: 90_000 }, (_, i) => `wört${i.toString(36)}`).join(' '),
    ],
    ['a megabyte without a space', '打印机无法'.repeat(60_000)],
    ['numbers in a row', '0871 96-53 '.repeat(20_000)],
    ['JSON escapes', '\\u0000\\ud800 '.repeat(500)],
  ];
  it.each(hostile)(
    'stores and finds a ticket with %s, everywhere',
    { timeout: 60_000 },
    async (_name, text) => {
      const tenantId = randomUUID();
      await index().put([
        searchDocument(tenantId, {
          title: `Sonderling ${text.slice(0, 250)}`,
          body: `Anfang ${text}`,
          internal: `Notiz ${text}`,
          keywords: [text.slice(0, 500), 'K-77'],
          summary: { text: text.slice(0, 500), [text.slice(0, 20)]: 1 },
        }),
        searchDocument(tenantId, { title: 'Nachbar' }),
      ]);
      for (const sought of ['sonderling', 'anfang', 'notiz', 'K-77'])
        expect((await ask(tenantId, sought)).hits, sought).toHaveLength(1);
      expect((await ask(tenantId, 'nachbar')).total).toBe(1);
      // As it is typed it may mean nothing, but it never fails.
      for (const typed of [text.slice(0, 200), `sonderling ${text.slice(0, 150)}`, text.slice(0, 10)])
        await ask(tenantId, typed);
    },
  );

  it('names all matches with their tiers, within filters, and says when there are more', async () => {
    const [acme, beta] = [randomUUID(), randomUUID()];
    const docs = Array.from({ length: 1_300 }, (_, i) => ({
      id: randomUUID(),
      title: i % 4 === 0 ? `Zertifikat ${i}` : `Vorgang ${i}`,
      body: i % 2 === 0 ? 'Das Zertifikat läuft ab.' : 'Zertifikate werden erneuert.',
      keywords: i === 7 ? ['zertifikat'] : [],
      customer_id: i % 3 === 0 ? acme : beta,
    }));
    const tenantId = await tenantWith(...docs);
    const of = (more: Partial<MatchQuery> = {}) =>
      index().matches({
        tenant_id: tenantId,
        customer_id: null,
        text: 'zertifikat',
        type: 'ticket',
        most: 5_000,
        ...more,
      });
    const ids = (tiers: readonly (readonly string[])[]) => tiers.flat().sort();
    const wanted = (test: (doc: (typeof docs)[number], i: number) => boolean) =>
      docs
        .filter(test)
        .map((doc) => doc.id)
        .sort();
    const all = await of();
    expect(all.more).toBe(false);
    expect(ids(all.tiers)).toEqual(wanted(() => true));
    expect(ids([all.tiers[1]])).toEqual(
      wanted((doc, i) => i % 4 === 0 || (i === 7 && !all.tiers[0].includes(doc.id))),
    );
    expect(ids((await of({ only_customer: acme })).tiers)).toEqual(wanted((doc) => doc.customer_id === acme));
    expect(ids((await of({ customer_id: beta })).tiers)).toEqual(wanted((doc) => doc.customer_id === beta));
    expect(ids((await of({ customer_id: beta, only_customer: acme })).tiers)).toEqual([]);
    const some = docs.slice(100, 120).map((doc) => doc.id);
    expect(ids((await of({ ids: some })).tiers)).toEqual([...some].sort());
    expect(await of({ most: 1_000 })).toMatchObject({ more: true, tiers: [[], [], []] });
    const newest = await of({ most: 1_000, newest: true });
    expect([newest.more, newest.tiers.flat().length >= 1_000]).toEqual([true, true]);
    expect((await of({ text: 'zertifikta' })).tiers.flat()).toHaveLength(1_300);
    expect(ids((await of({ text: '' })).tiers)).toEqual([]);
  });
}
