import { randomUUID } from 'node:crypto';
import type { SearchDocument } from '@psa/contracts/ports/search';
import { describe, expect, it } from 'vitest';
import { type Asking, titles } from './search-texts.contract.ts';

const NOW = '2026-06-15T10:00:00.000Z';
const daysAgo = (days: number) => new Date(Date.parse(NOW) - days * 86_400_000).toISOString();
const open = { status: 'in_progress', open: true };
const closed = { status: 'closed', open: false };

/** Order by age and state, what narrows a search, and synonyms: a part of the search contract. */
export function narrowingContract({ ask, tenantWith }: Asking): void {
  const now = { now: NOW };
  const tickets = (...each: [string, Partial<SearchDocument>][]) =>
    tenantWith(...each.map(([title, more]) => ({ title, ...more })));

  describe('the order', () => {
    it('puts what goes on and what is new before what was closed long ago, and title before text', async () => {
      const tenantId = await tickets(
        ['Drucker alt', { state: closed, updated_at: daysAgo(400) }],
        ['Anderes neu', { body: 'Der Drucker auch', state: closed, updated_at: daysAgo(1) }],
        ['Anderes offen', { body: 'Der Drucker auch', state: open, updated_at: daysAgo(2) }],
        ['Drucker lange offen', { state: open, updated_at: daysAgo(300) }],
        ['Drucker neu', { state: closed, updated_at: daysAgo(3) }],
        ['Drucker neu und offen', { state: open, updated_at: daysAgo(20) }],
        ['Drucker uralt', { state: closed, updated_at: daysAgo(1_000) }],
        ['Drucker vor einem Monat', { state: closed, updated_at: daysAgo(40) }],
      );
      expect(titles(await ask(tenantId, 'drucker', now))).toEqual([
        'Drucker neu und offen',
        'Drucker lange offen',
        'Drucker neu',
        'Drucker vor einem Monat',
        'Anderes offen',
        'Drucker alt',
        'Drucker uralt',
        'Anderes neu',
      ]);
    });

    it('puts a whole title and a whole number above all, however old', async () => {
      const tenantId = await tickets(
        ['Drucker', { state: closed, updated_at: daysAgo(900) }],
        ['Drucker, neu!', { state: open, updated_at: daysAgo(1) }],
        ['Vorgang 4711', { state: open, updated_at: daysAgo(1) }],
        ['Alt', { keywords: ['4711'], state: closed, updated_at: daysAgo(900) }],
      );
      expect(titles(await ask(tenantId, 'drucker', now))[0]).toBe('Drucker');
      expect(titles(await ask(tenantId, 'DRUCKER  neu', now))).toEqual(['Drucker, neu!']);
      expect(titles(await ask(tenantId, '4711', now))).toEqual(['Alt', 'Vorgang 4711']);
    });

    it('is by date where that is asked for', async () => {
      const tenantId = await tickets(
        ['Drucker', { state: open, updated_at: daysAgo(9) }],
        ['Anderes', { body: 'Drucker', state: closed, updated_at: daysAgo(1) }],
        ['Drucker Drucker', { state: closed, updated_at: daysAgo(5) }],
      );
      const sorted = await ask(tenantId, 'drucker', { ...now, sort: 'newest' });
      expect(titles(sorted)).toEqual(['Anderes', 'Drucker Drucker', 'Drucker']);
      const rest = await ask(tenantId, 'drucker', { ...now, sort: 'newest', offset: 1, limit: 1 });
      expect([titles(rest), rest.total]).toEqual([['Drucker Drucker'], 3]);
      expect(await ask(tenantId, 'nirgends', { ...now, sort: 'newest' })).toMatchObject({
        hits: [],
        total: 0,
      });
    });
  });

  describe('what narrows a search', () => {
    it('is status, customer and time, each for itself and together; the count is of what is left', async () => {
      const [acme, beta] = [randomUUID(), randomUUID()];
      const waiting = { status: 'waiting_customer', open: true };
      const tenantId = await tickets(
        ['Maus eins', { customer_id: acme, state: open, updated_at: daysAgo(1) }],
        ['Maus zwei', { customer_id: beta, state: closed, updated_at: daysAgo(200) }],
        ['Maus drei', { customer_id: acme, state: waiting, updated_at: daysAgo(30) }],
        [
          'Frau Maus',
          { customer_id: acme, type: 'contact', state: { status: '', open: true }, updated_at: daysAgo(500) },
        ],
        ['Maus ohne Stand', { customer_id: beta, updated_at: daysAgo(800) }],
      );
      const found = async (filter: NonNullable<Parameters<typeof ask>[2]>['filter'], text = 'maus') => {
        const result = await ask(tenantId, text, { ...now, ...(filter && { filter }) });
        expect(result.total).toBe(result.hits.length);
        return titles(result).sort();
      };
      expect(await found({ statuses: ['closed', 'in_progress'] })).toEqual(['Maus eins', 'Maus zwei']);
      expect(await found({ statuses: [''] })).toEqual([]);
      expect(await found({ customer_id: acme })).toEqual(['Frau Maus', 'Maus drei', 'Maus eins']);
      expect(await found({ customer_id: randomUUID() })).toEqual([]);
      expect(await found({ updated_after: daysAgo(60) })).toEqual(['Maus drei', 'Maus eins']);
      expect(await found({ updated_before: daysAgo(200) })).toEqual(['Frau Maus', 'Maus ohne Stand']);
      expect(await found({ updated_after: daysAgo(200), updated_before: daysAgo(30) })).toEqual([
        'Maus zwei',
      ]);
      expect(await found({ updated_after: daysAgo(30), updated_before: daysAgo(200) })).toEqual([]);
      const all = { statuses: ['waiting_customer'], customer_id: acme, updated_after: daysAgo(90) };
      for (const text of ['maus', '"maus drei"', 'maus dr', 'muas']) {
        expect(await found(all, text), text).toEqual(['Maus drei']);
        expect(await found({ ...all, customer_id: beta }, text), text).toEqual([]);
      }
      // No more than who asks may see.
      expect((await ask(tenantId, 'maus', { customer_id: beta, filter: { customer_id: acme } })).total).toBe(
        0,
      );
    });
  });

  describe('synonyms', () => {
    const synonyms = [
      ['drucker', 'printer'],
      ['passwort', 'kennwort', 'password'],
      ['handy', 'mobile phone', 'smartphone'],
      ['konto gesperrt', 'account locked'],
      ['e-mail', 'mail'],
      ['m365', 'office 365'],
      ['fehler', 'druckfehler'],
    ];
    const texts = ['Netzwerkdrucker', 'Broken printers', 'Kennwörter', 'New mobile phone', 'Phone mobile'];
    const found = async (typed: string, ...more: string[]) =>
      titles(await ask(await tenantWith(...texts, ...more), typed, { synonyms })).sort();

    it('find what means the same, in any form, in compounds and in expressions of several words', async () => {
      expect(await found('printer')).toEqual(['Broken printers', 'Netzwerkdrucker']);
      expect(await found('Druckern')).toEqual(['Broken printers', 'Netzwerkdrucker']);
      expect(await found('passwords')).toEqual(['Kennwörter']);
      expect(await found('smartphones')).toEqual(['New mobile phone']);
      expect(await found('mobile phone', 'Das Handy')).toEqual([
        'Das Handy',
        'New mobile phone',
        'Phone mobile',
      ]);
      expect(await found('konten gesperrt', 'Account locked')).toEqual([]);
      expect(await found('konto gesperrt', 'Account locked', 'Account is not locked')).toEqual([
        'Account locked',
      ]);
      expect(await found('m365', 'Office 365 startet nicht')).toEqual(['Office 365 startet nicht']);
      expect(await found('office 365', 'Neues M365')).toEqual(['Neues M365']);
      expect(await found('E-Mail', 'Neue Mail')).toEqual(['Neue Mail']);
    });

    it('stand beside what was typed, and not for a beginning, a quote or half an expression', async () => {
      expect(await found('broken drucker')).toEqual(['Broken printers']);
      expect(await found('netzwerkdrucker printer')).toEqual(['Netzwerkdrucker']);
      expect(await found('pri')).toEqual(['Broken printers']);
      expect(await found('"drucker"')).toEqual(['Netzwerkdrucker']);
      expect(await found('phone')).toEqual(['New mobile phone', 'Phone mobile']);
      expect(titles(await ask(await tenantWith(...texts), 'printer'))).toEqual(['Broken printers']);
    });

    it('are meant by mistyped words too', async () => {
      const tenantId = await tenantWith('Der Drucker im Flur', 'Etwas anderes');
      const only = await ask(tenantId, 'pritner flur', { synonyms });
      expect([titles(only), only.corrected]).toEqual([['Der Drucker im Flur'], { pritner: ['printer'] }]);
      expect(await found('drukcer broken')).toEqual(['Broken printers']);
    });

    it('that are nothing but words which are not looked for take nothing away', async () => {
      const tenantId = await tenantWith('EDV neu', 'Umzug');
      const lists = [
        ['edv', 'it'],
        ['it', 'a'],
        ['umzug', 'to be', 'edv'],
      ];
      for (const [typed, expected] of [
        ['edv', ['EDV neu', 'Umzug']],
        ['umzug', ['EDV neu', 'Umzug']],
        ['edv neu', ['EDV neu']],
        ['it neu', ['EDV neu']],
      ] as const)
        expect(titles(await ask(tenantId, typed, { synonyms: lists })).sort(), typed).toEqual(expected);
    });

    it('of a word in every list are no more than an index can be asked for', async () => {
      const tenantId = await tenantWith('Printer', 'Drucker');
      const lists = Array.from({ length: 500 }, (_, list) => [
        'drucker',
        'printer',
        ...Array.from({ length: 18 }, (_, word) => `wort${list}x${word}`),
      ]);
      expect(titles(await ask(tenantId, 'drucker', { synonyms: lists })).sort()).toEqual([
        'Drucker',
        'Printer',
      ]);
    });

    it('find no more than the asker may see', async () => {
      const [acme, beta] = [randomUUID(), randomUUID()];
      const tenantId = await tenantWith(
        { title: 'Printer', customer_id: acme },
        { title: 'Plan', internal: 'printer', customer_id: beta },
      );
      expect(titles(await ask(tenantId, 'drucker', { synonyms, customer_id: acme }))).toEqual(['Printer']);
      expect((await ask(tenantId, 'drucker', { synonyms, customer_id: beta })).total).toBe(0);
    });
  });
}
