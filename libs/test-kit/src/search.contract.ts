import { randomUUID } from 'node:crypto';
import {
  HIGHLIGHT_END,
  HIGHLIGHT_START,
  type SearchDocument,
  type SearchIndex,
  type SearchQuery,
} from '@psa/contracts/ports/search';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { narrowingContract } from './search-narrowing.contract.ts';
import { searchDocument, textsContract, titles } from './search-texts.contract.ts';

export { searchDocument };

/** What a suite needs to try an adapter. */
export interface SearchUnderTest {
  /** A client on the index, prepared; called twice, to see what two processes see. */
  open(): Promise<SearchIndex>;
}

const marked = (text: string) => `${HIGHLIGHT_START}${text}${HIGHLIGHT_END}`;
/** The behaviour that every {@link SearchIndex} has. Call it at the top level of an adapter's test file. */
export function searchContract(name: string, subject: SearchUnderTest): void {
  describe(`${name} as a search index`, () => {
    let index: SearchIndex;
    let other: SearchIndex;
    beforeAll(async () => {
      index = await subject.open();
      other = await subject.open();
    });
    afterAll(async () => {
      await index.close();
      if (other !== index) await other.close();
    });

    const ask = (tenantId: string, text: string, more: Partial<SearchQuery> = {}) =>
      index.query({
        tenant_id: tenantId,
        customer_id: null,
        text,
        limit: 20,
        offset: 0,
        ...more,
      });
    /** A fresh tenant with documents of these titles (or more). */
    const tenantWith = async (...documents: (string | Partial<SearchDocument>)[]) => {
      const tenantId = randomUUID();
      await index.put(
        documents.map((one) => searchDocument(tenantId, typeof one === 'string' ? { title: one } : one)),
      );
      return tenantId;
    };
    const foundIn = async (text: string, sought: string, more: Partial<SearchQuery> = {}) =>
      (await ask(await tenantWith(text), sought, more)).total === 1;

    it('answers a ping and may be prepared again', async () => {
      await index.ping();
      await index.prepare();
      await index.put([]);
      await index.remove([]);
    });

    it('shows on return what was put, to other clients too, as it was put', async () => {
      const tenantId = randomUUID();
      const doc = searchDocument(tenantId, {
        title: 'Kein Netz im Lager',
        body: 'Der Switch im Lager ist aus.',
        summary: { number: 7, tags: ['a', 'ä'], nested: { ok: true } },
        updated_at: '2026-02-03T04:05:06.789Z',
      });
      await index.put([doc]);
      const result = await other.query({
        tenant_id: tenantId,
        customer_id: null,
        text: 'switch',
        limit: 20,
        offset: 0,
      });
      expect(result).toMatchObject({ total: 1, total_relation: 'eq', corrected: {} });
      expect(result.hits[0]).toMatchObject({
        type: 'ticket',
        id: doc.id,
        title: doc.title,
        summary: doc.summary,
        updated_at: doc.updated_at,
      });
      expect(result.hits[0]!.score).toBeGreaterThan(0);
    });

    it.each([
      ['Drucker druckt nicht', 'Druckern'],
      ['Probleme mit den Druckern', 'drucker'],
      ['Die Häuser am Ring', 'Haus'],
      ['Anmeldungen schlagen fehl', 'Anmeldung'],
      ['The printers are offline', 'printer'],
      ['A printer is offline', 'printers'],
      ['Restarting services', 'service restarted'],
    ])('stems: "%s" is found by "%s"', async (text, sought) => {
      expect(await foundIn(text, `${sought} `)).toBe(true);
    });

    it.each([
      ['Herr Müller ruft an', 'muller'],
      ['Herr Müller ruft an', 'Mueller'],
      ['Herr Mueller ruft an', 'müller'],
      ['Herr Mueller ruft an', 'Mull'],
      ['Die Straße ist gesperrt', 'strasse'],
      ['Gebäude Süd', 'gebaude SÜD'],
      ['Rene hat Urlaub', 'René'],
    ])('umlauts and accents: "%s" is found by "%s"', async (text, sought) => {
      expect(await foundIn(text, sought)).toBe(true);
    });

    it('finds the last word by its beginning, the others whole', async () => {
      const tenantId = await tenantWith('Outlook startet nicht', 'Outlet im Lager');
      expect(titles(await ask(tenantId, 'outl')).sort()).toEqual([
        'Outlet im Lager',
        'Outlook startet nicht',
      ]);
      expect(titles(await ask(tenantId, 'outlook star'))).toEqual(['Outlook startet nicht']);
      expect((await ask(tenantId, 'outl startet')).hits).toHaveLength(0);
    });

    it('wants every word, wherever in the document it stands', async () => {
      const tenantId = await tenantWith(
        { title: 'Drucker', body: 'Papierstau', keywords: ['K-77'] },
        { title: 'Drucker', body: 'Toner leer', internal: 'Papierstau' },
        { title: 'Papierstau' },
      );
      expect((await ask(tenantId, 'drucker papierstau')).total).toBe(2);
      expect((await ask(tenantId, 'drucker papierstau k-77')).total).toBe(1);
      expect((await ask(tenantId, 'drucker scanner')).total).toBe(0);
    });

    it('takes quotes for words side by side', async () => {
      const tenantId = await tenantWith('Error: out of memory today', 'memory low, error follows today');
      expect(titles(await ask(tenantId, '"memory today"'))).toEqual(['Error: out of memory today']);
      expect(titles(await ask(tenantId, '„error out of memory“'))).toEqual(['Error: out of memory today']);
      expect((await ask(tenantId, 'memory error')).total).toBe(2);
    });

    it.each([
      ['Der Drucker ist kaputt', 'druker', 'drucker'],
      ['Der Drucker ist kaputt', 'drukcer', 'drucker'],
      ['Die Mail kommt nicht an', 'mial', 'mail'],
      ['Outlook und Exchange', 'exchnage outlook', 'exchange'],
      ['Netzwerk ist langsam', 'netzwrek', 'netzwerk'],
      ['Der Bildschirm flackert', 'bildshirn', 'bildschirm'],
    ])('forgives typing errors: "%s" is found by "%s"', async (text, sought, meant) => {
      const result = await ask(await tenantWith(text), sought);
      expect(result.total).toBe(1);
      expect(result.hits[0]!.highlights.title).toContain(HIGHLIGHT_START);
      const typed = sought.split(' ')[0]!;
      expect(result.corrected[typed]?.map((word) => word.toLowerCase())).toContain(meant);
      expect(Object.keys(result.corrected)).toEqual([typed]);
    });

    it('does not widen what occurs as typed, nor numbers', async () => {
      const tenantId = await tenantWith('Server steht', 'Servet liegt', 'Auftrag 10234', 'Auftrag 10235');
      expect(await ask(tenantId, 'servet')).toMatchObject({ total: 1, corrected: {} });
      expect(titles(await ask(tenantId, '10234'))).toEqual(['Auftrag 10234']);
      expect(await ask(tenantId, '10236')).toMatchObject({ total: 0, corrected: {} });
      expect((await ask(tenantId, '1023')).total).toBe(0);
    });

    it('finds keywords whole and by their parts', async () => {
      const tenantId = await tenantWith(
        { title: 'A', keywords: ['T-10234', 'max.mueller@firma.example'] },
        { title: 'B', keywords: ['T-10235', 'max.maier@firma.example'] },
      );
      expect(titles(await ask(tenantId, 'T-10234'))).toEqual(['A']);
      expect(titles(await ask(tenantId, '#10235'))).toEqual(['B']);
      expect(titles(await ask(tenantId, 'MAX.MUELLER@firma.example'))).toEqual(['A']);
      expect(titles(await ask(tenantId, 'max.mueller'))).toEqual(['A']);
      expect((await ask(tenantId, 'firma.example')).total).toBe(2);
    });

    it('ranks title over keywords over body, and the newer of equals first', async () => {
      const tenantId = await tenantWith(
        { title: 'body', body: 'toner' },
        { title: 'toner', updated_at: '2026-01-01T00:00:00.000Z' },
        { title: 'keyword', keywords: ['toner'] },
        { title: 'Toner', updated_at: '2026-02-01T00:00:00.000Z' },
      );
      expect(titles(await ask(tenantId, 'toner'))).toEqual(['Toner', 'toner', 'keyword', 'body']);
    });

    it('puts the object with the number before those that mention it', async () => {
      const tenantId = await tenantWith(
        { title: 'Siehe 4711', body: '4711 4711' },
        { title: 'Das ist es', keywords: ['4711'] },
      );
      expect(titles(await ask(tenantId, '4711'))).toEqual(['Das ist es', 'Siehe 4711']);
    });

    it('marks matches in title and body, as plain text', async () => {
      const far = 'Es geht um anderes. '.repeat(60);
      const tenantId = await tenantWith({
        title: `<b>Drucker</b> & ${HIGHLIGHT_START}Toner`,
        body: `${far}Die Druckern <script>alert(1)</script> melden Papierstau. ${far}`,
      });
      const [hit] = (await ask(tenantId, 'drucker')).hits;
      expect(hit!.highlights.title).toBe(`<b>${marked('Drucker')}</b> & Toner`);
      expect(hit!.highlights.body).toContain(`${marked('Druckern')} <script>alert(1)</script> melden`);
      expect(hit!.highlights.body.length).toBeLessThan(400);
    });

    it('shows the beginning of a body without a match', async () => {
      const tenantId = await tenantWith({ title: 'Drucker', body: 'Er steht im Flur.' });
      expect((await ask(tenantId, 'drucker')).hits[0]!.highlights.body).toBe('Er steht im Flur.');
    });

    it('keeps tenants apart', async () => {
      const mine = await tenantWith('Vertraulich Drucker');
      const foreign = await tenantWith('Geheimnis Scanner');
      expect((await ask(mine, 'geheimnis')).total).toBe(0);
      expect(await ask(mine, 'geheimnsi')).toMatchObject({ total: 0, corrected: {} });
      expect((await ask(foreign, 'geheimnsi')).total).toBe(1);
      expect((await ask(randomUUID(), 'drucker')).total).toBe(0);
    });

    it('keeps customers apart, in what it finds and in what it proposes', async () => {
      const [acme, beta] = [randomUUID(), randomUUID()];
      const tenantId = await tenantWith(
        { title: 'Firewall bei Acme', customer_id: acme },
        { title: 'Firewall bei Beta, Projekt Zugspitze', customer_id: beta },
        { title: 'Firewall allgemein', customer_id: null },
      );
      expect((await ask(tenantId, 'firewall')).total).toBe(3);
      expect(titles(await ask(tenantId, 'firewall', { customer_id: acme }))).toEqual(['Firewall bei Acme']);
      expect((await ask(tenantId, 'firewall', { customer_id: randomUUID() })).total).toBe(0);
      expect(await ask(tenantId, 'zugspitze', { customer_id: acme })).toMatchObject({
        total: 0,
        corrected: {},
      });
      expect(await ask(tenantId, 'zugspize', { customer_id: acme })).toMatchObject({
        total: 0,
        corrected: {},
      });
      expect((await ask(tenantId, 'zugspize', { customer_id: beta })).total).toBe(1);
      expect((await ask(tenantId, 'firewlal', { customer_id: acme })).corrected).toEqual({
        firewlal: ['firewall'],
      });
    });

    it('shows internal text to staff only', async () => {
      const acme = randomUUID();
      const tenantId = await tenantWith({
        title: 'Angebot',
        body: 'Wir melden uns.',
        internal: 'Kunde zahlt schleppend',
        customer_id: acme,
      });
      const [hit] = (await ask(tenantId, 'schleppend')).hits;
      expect(hit!.highlights.body).toContain(marked('schleppend'));
      expect((await ask(tenantId, '"zahlt schleppend"')).total).toBe(1);
      for (const text of ['schleppend', '"zahlt schleppend"', 'schlepend', 'schl', 'angebot schleppend']) {
        expect(await ask(tenantId, text, { customer_id: acme })).toMatchObject({ total: 0, corrected: {} });
      }
      const [seen] = (await ask(tenantId, 'angebot', { customer_id: acme })).hits;
      expect(JSON.stringify(seen)).not.toContain('schleppend');
    });

    it('shows of one type what it is told, and of the others everything', async () => {
      const [mine, strange, acme] = [randomUUID(), randomUUID(), randomUUID()];
      const tenantId = await tenantWith(
        { id: mine, title: 'Meine Maus', customer_id: acme },
        { title: 'Deine Maus', customer_id: acme },
        { id: strange, title: 'Fremde Maus', customer_id: randomUUID() },
        { type: 'contact', title: 'Frau Maus', customer_id: acme },
      );
      const of = (...ids: string[]) => ({ customer_id: acme, only: { type: 'ticket', ids } });
      const own = await ask(tenantId, 'maus', of(mine, strange));
      expect(titles(own).sort()).toEqual(['Frau Maus', 'Meine Maus']);
      expect(titles(await ask(tenantId, 'maus', of()))).toEqual(['Frau Maus']);
      expect(titles(await ask(tenantId, 'maus', { ...of(mine), types: ['ticket'] }))).toEqual(['Meine Maus']);
      // Nor are words that stand elsewhere given away as what was meant.
      for (const text of ['dein', 'diene']) {
        expect(await ask(tenantId, text, of(mine))).toMatchObject({ total: 0, corrected: {} });
      }
    });

    it('can be asked for some types', async () => {
      const tenantId = await tenantWith(
        { title: 'Muster', type: 'customer' },
        { title: 'Muster', type: 'contact' },
        { title: 'Muster', type: 'ticket' },
      );
      const result = await ask(tenantId, 'muster', { types: ['customer', 'contact'] });
      expect(result.hits.map((hit) => hit.type).sort()).toEqual(['contact', 'customer']);
      expect((await ask(tenantId, 'muster', { types: [] })).total).toBe(0);
    });

    it('replaces by version: an older one never, the same and a newer one always', async () => {
      const tenantId = randomUUID();
      const doc = searchDocument(tenantId, { title: 'zweite Fassung', version: 2 });
      await index.put([doc]);
      await index.put([{ ...doc, title: 'erste Fassung', version: 1 }]);
      expect(titles(await ask(tenantId, 'fassung'))).toEqual(['zweite Fassung']);
      await index.put([{ ...doc, title: 'gleiche Fassung', version: 2 }]);
      expect(titles(await ask(tenantId, 'fassung'))).toEqual(['gleiche Fassung']);
      await index.put([
        { ...doc, title: 'vierte Fassung', version: 4 },
        { ...doc, title: 'dritte Fassung', version: 3 },
      ]);
      expect(titles(await ask(tenantId, 'fassung'))).toEqual(['vierte Fassung']);
      expect((await ask(tenantId, 'zweite')).total).toBe(0);
    });

    it('removes, and a late older version does not come back', async () => {
      const tenantId = randomUUID();
      const doc = searchDocument(tenantId, { title: 'Vergänglich', version: 5 });
      const ref = { tenant_id: tenantId, type: doc.type, id: doc.id };
      await index.put([doc]);
      await index.remove([{ ...ref, version: 4 }]);
      expect((await ask(tenantId, 'vergänglich')).total).toBe(1);
      await index.remove([{ ...ref, version: 6 }]);
      expect((await ask(tenantId, 'vergänglich')).total).toBe(0);
      expect(await ask(tenantId, 'vergänglihc')).toMatchObject({ total: 0, corrected: {} });
      await index.put([doc]);
      expect((await ask(tenantId, 'vergänglich')).total).toBe(0);
      await index.put([{ ...doc, version: 7 }]);
      expect((await ask(tenantId, 'vergänglich')).total).toBe(1);
      await index.remove([{ ...ref, id: randomUUID(), version: 1 }]);
    });

    it('pages without gaps or doubles, and counts', async () => {
      const tenantId = await tenantWith(
        ...Array.from({ length: 25 }, (_, i) => ({
          title: `Rechner ${i}`,
          updated_at: new Date(Date.UTC(2026, 0, 1, 0, i % 7)).toISOString(),
        })),
      );
      const seen: string[] = [];
      for (let offset = 0; offset < 30; offset += 10) {
        const page = await ask(tenantId, 'rechner', { limit: 10, offset });
        expect(page).toMatchObject({ total: 25, total_relation: 'eq' });
        seen.push(...page.hits.map((hit) => hit.id));
      }
      expect(new Set(seen).size).toBe(25);
      expect(await ask(tenantId, 'rechner', { limit: 10, offset: 9_990 })).toMatchObject({
        hits: [],
        total: 25,
      });
    });

    it('counts up to 1,000 and says when there are more', async () => {
      const tenantId = await tenantWith(
        ...Array.from({ length: 1_005 }, (_, i) => ({ title: `Massenware ${i}` })),
      );
      expect(await ask(tenantId, 'massenware')).toMatchObject({ total: 1_000, total_relation: 'gte' });
    });

    it.each([
      '',
      '   ',
      'der die das',
      'the and of',
      'der',
      '"',
      '"""',
      '"offen',
      '& | ! : * ( )',
      "drucker':*",
      'drucker & !toner | (a:*',
      "\\ ' '' \\'",
      '%_%',
      '\0',
      'dru\0cker',
      '\uD800',
      '🖨️',
      'プリンター',
      'x'.repeat(5_000),
      'wort '.repeat(2_000),
      '-1 +2 ~3',
      '{"match_all":{}}',
      '*:*',
    ])('takes any text: %j', async (text) => {
      const tenantId = await tenantWith('Drucker');
      const result = await ask(tenantId, text);
      expect(result.total).toBe(result.hits.length);
      expect(result.total_relation).toBe('eq');
    });

    textsContract({ index: () => index, ask, tenantWith });
    narrowingContract({ index: () => index, ask, tenantWith });

    it('takes signs for spaces', async () => {
      const tenantId = await tenantWith('Outlook/Exchange: VPN-Verbindung (neu)');
      for (const text of [
        'exchange',
        'outlook & !exchange',
        'vpn verbindung',
        'VPN-Verbindung',
        '"outlook exchange"',
      ]) {
        expect((await ask(tenantId, text)).total, text).toBe(1);
      }
    });

    it('stores any text, however long', async () => {
      const tenantId = await tenantWith({
        title: "a\0b \uD800 'quoted\\' Sonderling",
        body: Array.from({ length: 60_000 }, (_, i) => `wort${i}`).join(' '),
        internal: `${'y'.repeat(100_000)} ${'Grüße 🎉 '.repeat(3_000)}`,
        keywords: ["it's", '', ' ', 'k'.repeat(3_000)],
      });
      expect((await ask(tenantId, 'sonderling')).total).toBe(1);
      expect((await ask(tenantId, 'wort500 ')).total).toBe(1);
    });

    it('takes two writers at once', async () => {
      const tenantId = randomUUID();
      const docs = Array.from({ length: 120 }, (_, i) =>
        searchDocument(tenantId, {
          title: `Parallel ${i}`,
          body: `Gemeinsame Wörter a${i % 7}b c${i % 11}d und noch mehr`,
        }),
      );
      const newer = docs.map((doc) => ({
        ...doc,
        title: doc.title.replace('Parallel', 'Nachher'),
        version: 2,
      }));
      await Promise.all([
        index.put(docs),
        other.put([...newer].reverse()),
        index.put([...docs].reverse()),
        other.put(newer),
      ]);
      expect((await ask(tenantId, 'nachher', { limit: 200 })).hits).toHaveLength(120);
      expect((await ask(tenantId, 'parallel')).total).toBe(0);
    });
  });
}
