import { randomUUID } from 'node:crypto';
import type { EventEnvelope } from '@psa/contracts/events/envelope';
import { type SearchDocument, TextRefused } from '@psa/contracts/ports/search';
import { type TestService, testService } from '@psa/test-kit/service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { searchService } from './app.ts';
import { indexEvents } from './objects/consumer.ts';
import {
  contactFacts,
  customerFacts,
  searchEvent,
  ticketFacts,
  ticketsShowing,
} from './search.test-helper.ts';

let service: TestService;
/** What the ticket list shows those who see only some. */
const shown: string[] = [];

beforeAll(async () => {
  service = await testService(searchService, { peers: ticketsShowing(shown) });
});
afterAll(() => service.close());

const event = (
  type: string,
  customerId: string,
  data: Record<string, unknown>,
  more?: Partial<EventEnvelope>,
) => searchEvent(service.tenantId, type, customerId, data, more);
const index = (...events: EventEnvelope[]) => indexEvents(service.deps, events);
const search = (q: string, as: Record<string, unknown> = {}, more = '') =>
  service.call('GET', `/api/v1/search?q=${encodeURIComponent(q)}${more}`, { as });
const titles = async (q: string, as: Record<string, unknown> = {}, more = '') => {
  const { status, body } = await search(q, as, more);
  expect(status).toBe(200);
  return body.data.map((hit: { title: string }) => hit.title);
};

describe('a ticket that came back out of a backup', () => {
  it('is found again, with texts that were lost or removed meanwhile, and notes stay from customers', async () => {
    const acme = randomUUID();
    const ticket = ticketFacts(acme, { title: 'Rückkehrer', version: 3 });
    const file = { attachment_id: randomUUID(), file_name: 'Quittungsbeleg.pdf', visibility: 'public' };
    await index(
      event('ticket.opened.v1', acme, { ticket: { ...ticket, version: 1 } }),
      event('ticket.attached.v1', acme, { ticket: { ...ticket, version: 2 }, ...file }),
      event('ticket.detached.v1', acme, { ticket: { ...ticket, version: 3 }, ...file }),
      event('ticket.deleted.v1', acme, { ticket: { ...ticket, version: 4 } }),
    );
    expect([await titles('rückkehrer'), await titles('quittungsbeleg')]).toEqual([[], []]);
    const back = { ticket: { ...ticket, version: 5 }, backup: null };
    const text = (body: string, visibility: string, id = randomUUID()) => ({
      ...{ id, body, visibility, written_at: '2026-03-02T09:00:00.000Z' },
    });
    await index(
      event('ticket.restored.v1', acme, {
        ...back,
        texts: [text('Quittungsbeleg.pdf', 'public', file.attachment_id), text('Zwischenbescheid', 'public')],
      }),
      event(
        'ticket.restored.v1',
        acme,
        { ...back, texts: [text('Mahnstufe', 'internal')] },
        { public: false },
      ),
    );
    for (const word of ['rückkehrer', 'quittungsbeleg', 'zwischenbescheid', 'mahnstufe'])
      expect(await titles(word), word).toEqual(['Rückkehrer']);
    const customer = { role: 'customer_admin', customer_id: acme };
    expect(await titles('zwischenbescheid', customer)).toEqual(['Rückkehrer']);
    expect(await titles('mahnstufe', customer)).toEqual([]);
  });
});

describe('GET /search', () => {
  it('finds tickets, customers and contacts, with what a list shows of them', async () => {
    const acme = randomUUID();
    const facts = ticketFacts(acme, {
      title: 'Zentrifuge steht',
      description: 'Die Zentrifugen melden E17.',
      ticket_number: 4242,
    });
    await index(
      event('customer.created.v1', acme, customerFacts(acme, 'Zentrifugen Meier GmbH')),
      event(
        'contact.created.v1',
        acme,
        contactFacts(acme, 'Zenta Zentrifuge', { email: 'zz@meier.example' }),
      ),
      event('ticket.opened.v1', acme, { ticket: facts }),
    );
    const { status, body } = await search('zentrifuge');
    expect(status).toBe(200);
    expect(body.meta).toMatchObject({ total: 3, total_relation: 'eq', limit: 20, offset: 0, corrected: {} });
    const ticket = body.data.find((hit: { type: string }) => hit.type === 'ticket');
    expect(ticket).toMatchObject({
      id: facts.ticket_id,
      title: 'Zentrifuge steht',
      highlights: { title: '\uE000Zentrifuge\uE001 steht', body: 'Die \uE000Zentrifugen\uE001 melden E17.' },
      summary: {
        ticket_number: 4242,
        status: 'new',
        customer_id: acme,
        customer_name: 'Zentrifugen Meier GmbH',
      },
    });
    expect(await titles('4242')).toEqual(['Zentrifuge steht']);
    expect(await titles('zz@meier.example')).toEqual(['Zenta Zentrifuge']);
    expect(await titles('zentrifuge', {}, '&types=contact,customer')).toHaveLength(2);
    expect((await search('zentrfuge', {}, '&types=customer')).body.meta.corrected).toEqual({
      zentrfuge: ['zentrifugen'],
    });
    expect((await search('zentrifuge', {}, '&limit=1&offset=2')).body.data).toHaveLength(1);
  });

  it('refuses what is no query, by name', async () => {
    for (const [url, field] of [
      ['/api/v1/search', 'q'],
      ['/api/v1/search?q=', 'q'],
      [`/api/v1/search?q=${'x'.repeat(201)}`, 'q'],
      ['/api/v1/search?q=a%00b', 'q'],
      ['/api/v1/search?q=a&types=invoice', 'types'],
      ['/api/v1/search?q=a&limit=0', 'limit'],
      ['/api/v1/search?q=a&limit=1001', 'limit'],
      ['/api/v1/search?q=a&offset=-1', 'offset'],
      ['/api/v1/search?q=a&tenant_id=1', 'tenant_id'],
    ] as const) {
      const { status, body } = await service.call('GET', url);
      expect(status, url).toBe(400);
      expect(body.error.details.map((detail: { field: string }) => detail.field).join(), url).toContain(
        field,
      );
    }
    expect((await service.call('GET', '/api/v1/search?q=a', { as: null })).status).toBe(401);
    expect((await search('a', { permissions: ['ticket:view:all'] })).status).toBe(403);
  });

  it('shows each asker what it may see', async () => {
    const [acme, beta] = [randomUUID(), randomUUID()];
    const [anna, bob] = [randomUUID(), randomUUID()];
    const annas = ticketFacts(acme, { title: 'Quarz A', requester_id: anna });
    shown.splice(0, Infinity, annas.ticket_id);
    await index(
      event(
        'customer.created.v1',
        acme,
        customerFacts(acme, 'Quarzwerk Acme', { notes: 'zahlt Quarzgeld spät' }),
      ),
      event('customer.created.v1', beta, customerFacts(beta, 'Quarzwerk Beta')),
      event('contact.created.v1', acme, contactFacts(acme, 'Quarz Anna')),
      event('ticket.opened.v1', acme, { ticket: annas }),
      event('ticket.opened.v1', acme, { ticket: ticketFacts(acme, { title: 'Quarz B', requester_id: bob }) }),
      event('ticket.opened.v1', beta, { ticket: ticketFacts(beta, { title: 'Quarz C' }) }),
    );
    const sorted = async (as: Record<string, unknown>) => (await titles('quarz', as)).sort();
    const portal = (role: string, customer_id?: string, sub?: string) => ({
      role,
      audience: 'customer',
      ...(customer_id ? { customer_id } : {}),
      ...(sub ? { sub } : {}),
    });
    expect(await sorted({})).toHaveLength(6);
    expect(await sorted(portal('customer_admin', acme))).toEqual([
      'Quarz A',
      'Quarz Anna',
      'Quarz B',
      'Quarzwerk Acme',
    ]);
    expect(await sorted(portal('customer_user', acme, anna))).toEqual(['Quarz A']);
    expect(await sorted(portal('customer_user', beta, anna))).toEqual([]);
    expect(await sorted(portal('customer_admin'))).toEqual([]);
    expect(await sorted({ role: 'x', permissions: ['search:query', 'ticket:view:all'] })).toEqual([
      'Quarz A',
      'Quarz B',
      'Quarz C',
    ]);
    expect(await sorted({ role: 'x', permissions: ['search:query'] })).toEqual([]);
    expect(await titles('quarz', { tid: randomUUID() })).toEqual([]);
    const own = (await search('quarz', portal('customer_admin', acme))).body.data;
    expect(JSON.stringify(own)).not.toContain('Beta');
    expect(await titles('quarzgeld')).toEqual(['Quarzwerk Acme']);
    expect(await titles('quarzgeld', portal('customer_admin', acme))).toEqual([]);
  });
});

describe('the consumer', () => {
  it('adds comments and attachments to their ticket, internal ones for staff only', async () => {
    const acme = randomUUID();
    const facts = ticketFacts(acme, { title: 'Kaffeemaschine' });
    const admin = { role: 'customer_admin', audience: 'customer', customer_id: acme };
    const comment = (body: string, visibility: string, version: number) =>
      event(
        'ticket.commented.v1',
        acme,
        { ticket: { ...facts, version }, comment_id: randomUUID(), visibility, body },
        { public: visibility === 'public' },
      );
    await index(event('ticket.opened.v1', acme, { ticket: facts }));
    await index(
      comment('Die Mahlscheibe klemmt.', 'public', 2),
      comment('Kunde hat Wasserschaden vertuscht.', 'internal', 3),
    );
    await index(
      event('ticket.attached.v1', acme, {
        ticket: { ...facts, version: 4 },
        attachment_id: randomUUID(),
        file_name: 'Explosionszeichnung.pdf',
        size: 5,
        visibility: 'public',
      }),
    );
    for (const word of ['mahlscheibe', 'explosionszeichnung', 'kaffeemaschine']) {
      expect(await titles(word), word).toEqual(['Kaffeemaschine']);
      expect(await titles(word, admin), word).toEqual(['Kaffeemaschine']);
    }
    expect(await titles('wasserschaden')).toEqual(['Kaffeemaschine']);
    expect(await titles('wasserschaden', admin)).toEqual([]);
    // A public comment in an event that is not public is a contradiction; it stays with staff.
    await index(
      event(
        'ticket.commented.v1',
        acme,
        {
          ticket: { ...facts, version: 5 },
          comment_id: randomUUID(),
          visibility: 'public',
          body: 'Zwiespalt',
        },
        { public: false },
      ),
    );
    expect(await titles('zwiespalt', admin)).toEqual([]);
    expect(await titles('mahlscheibe wasserschaden zwiespalt')).toHaveLength(1);
  });

  it('takes events again, late and out of order', async () => {
    const acme = randomUUID();
    const facts = ticketFacts(acme, { title: 'Erste Fassung Orgel' });
    const opened = event('ticket.opened.v1', acme, { ticket: facts });
    const renamed = event('ticket.updated.v1', acme, {
      ticket: { ...facts, title: 'Dritte Fassung Orgel', version: 3 },
      changes: [],
    });
    const late = event('ticket.commented.v1', acme, {
      ticket: { ...facts, title: 'Zweite Fassung Orgel', version: 2 },
      comment_id: randomUUID(),
      visibility: 'public',
      body: 'Pfeifenbruch',
    });
    await index(opened, renamed);
    await index(renamed, opened);
    await index(late);
    expect(await titles('orgel')).toEqual(['Dritte Fassung Orgel']);
    expect(await titles('pfeifenbruch')).toEqual(['Dritte Fassung Orgel']);
    const rows = await service.db.admin`
      select version, revision from search.objects where id = ${facts.ticket_id}`;
    expect(rows.map((row) => [Number(row.version), Number(row.revision)])).toEqual([[3, 3]]);
  });

  it('takes out what is deleted, and a late event does not bring it back', async () => {
    const acme = randomUUID();
    const facts = ticketFacts(acme, { title: 'Kurzlebig' });
    await index(event('ticket.opened.v1', acme, { ticket: facts }));
    expect(await titles('kurzlebig')).toHaveLength(1);
    await index(event('ticket.deleted.v1', acme, { ticket: { ...facts, version: 3 } }));
    expect(await titles('kurzlebig')).toEqual([]);
    await index(event('ticket.updated.v1', acme, { ticket: { ...facts, version: 2 }, changes: [] }));
    expect(await titles('kurzlebig')).toEqual([]);
  });

  it('takes out customers and contacts that are deleted, and follows a ticket that changes hands', async () => {
    const [acme, beta] = [randomUUID(), randomUUID()];
    const [firm, person] = [customerFacts(acme, 'Wanderdüne AG'), contactFacts(acme, 'Wanda Wanderdüne')];
    const facts = ticketFacts(acme, { title: 'Wanderdüne verweht' });
    const admin = (customer_id: string) => ({ role: 'customer_admin', audience: 'customer', customer_id });
    await index(
      event('customer.created.v1', acme, firm),
      event('contact.created.v1', acme, person),
      event('ticket.opened.v1', acme, { ticket: facts }),
    );
    expect(await titles('wanderdüne', admin(acme))).toHaveLength(3);
    await index(
      event('ticket.updated.v1', beta, {
        ticket: { ...facts, customer_id: beta, version: 2 },
        changes: [],
      }),
      event('contact.deleted.v1', acme, { ...person, version: 2 }),
    );
    expect(await titles('wanderdüne', admin(acme))).toEqual(['Wanderdüne AG']);
    expect(await titles('wanderdüne', admin(beta))).toEqual(['Wanderdüne verweht']);
    await index(event('customer.deleted.v1', acme, { ...firm, version: 2 }));
    await index(event('contact.updated.v1', acme, { ...person, version: 1 }));
    expect(await titles('wanderdüne')).toEqual(['Wanderdüne verweht']);
  });

  it('lets what is newer than a deletion stand, however late the deletion comes', async () => {
    const acme = randomUUID();
    const person = contactFacts(acme, 'Phönix');
    await index(event('contact.created.v1', acme, { ...person, version: 4 }));
    await index(event('contact.deleted.v1', acme, { ...person, version: 3 }));
    expect(await titles('phönix')).toEqual(['Phönix']);
  });

  it('finds tags and categories, and no longer those that were taken off', async () => {
    const acme = randomUUID();
    const facts = ticketFacts(acme, { title: 'Schlagwort', tags: ['altlast'], category: 'hardware' });
    await index(event('ticket.opened.v1', acme, { ticket: facts }));
    expect(await titles('altlast')).toEqual(['Schlagwort']);
    const newer = { ...facts, tags: ['neubau'], category: 'gebaeudetechnik', version: 2 };
    await index(event('ticket.updated.v1', acme, { ticket: newer, changes: [] }));
    expect(await titles('altlast')).toEqual([]);
    expect(await titles('neubau gebäudetechnik')).toEqual(['Schlagwort']);
  });

  it('takes batches of one ticket at once without losing a comment', async () => {
    const acme = randomUUID();
    const facts = ticketFacts(acme, { title: 'Gleichzeitig' });
    const words = Array.from({ length: 12 }, (_, i) => `parallelwort${'abcdefghijkl'[i]}`);
    await Promise.all(
      words.map((body, i) =>
        index(
          event('ticket.commented.v1', acme, {
            ticket: { ...facts, version: 1 + (i % 3) },
            comment_id: randomUUID(),
            visibility: 'public',
            body,
          }),
        ),
      ),
    );
    expect(await titles(words.join(' '))).toEqual(['Gleichzeitig']);
  });

  it('keeps nothing when the index is away, and takes the event when it is back', async () => {
    const acme = randomUUID();
    const opened = event('ticket.opened.v1', acme, {
      ticket: ticketFacts(acme, { title: 'Später gefunden' }),
    });
    const broken = {
      put: () => Promise.reject(new Error('away')),
      remove: () => Promise.reject(new Error('away')),
    };
    const away = { ...service.deps.searchIndex, ...broken } as typeof service.deps.searchIndex;
    await expect(indexEvents({ ...service.deps, searchIndex: away }, [opened])).rejects.toThrow('away');
    await index(opened);
    expect(await titles('später gefunden')).toHaveLength(1);
  });

  it('finds by number and title what the index refuses, and all others of the batch whole', async () => {
    const acme = randomUUID();
    const { searchIndex } = service.deps;
    const refusing = {
      put: (documents: readonly SearchDocument[]) =>
        documents.some((one) => one.body.includes('unfassbar'))
          ? Promise.reject(new TextRefused('too much'))
          : searchIndex.put(documents),
      remove: (refs: Parameters<typeof searchIndex.remove>[0]) => searchIndex.remove(refs),
    } as typeof searchIndex;
    await indexEvents(
      { ...service.deps, searchIndex: refusing },
      ['Nachbar links', 'Verweigert \uFDFA', 'Nachbar rechts'].map((title, i) =>
        event('ticket.opened.v1', acme, {
          ticket: ticketFacts(acme, {
            title,
            ticket_number: 77_001 + i,
            description: i === 1 ? 'unfassbar' : 'Beiwerk',
          }),
        }),
      ),
    );
    expect(await titles('nachbar beiwerk')).toHaveLength(2);
    expect(await titles('verweigert')).toHaveLength(1);
    expect(await titles('77002')).toHaveLength(1);
  });

  it('ignores events of other things', async () => {
    await index(
      event('desk.changed.v1', randomUUID(), { object: 'team', id: randomUUID(), change: 'created' }),
    );
  });
});
