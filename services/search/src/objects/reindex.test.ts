import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { toIso } from '@psa/service-kit/database';
import { type TestService, testService } from '@psa/test-kit/service';
import { until } from '@psa/test-kit/until';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { searchService } from '../app.ts';
import { contactFacts, customerFacts, searchEvent, ticketFacts } from '../search.test-helper.ts';
import { indexEvents } from './consumer.ts';
import { type Described, DOCUMENT_FORM, documentOf } from './domain.ts';
import { reindexWorker } from './reindex.ts';

let service: TestService;

beforeAll(async () => {
  service = await testService(searchService);
});
afterAll(() => service.close());

const search = (tid: string, q: string) =>
  service.call('GET', `/api/v1/search?q=${encodeURIComponent(q)}`, { as: { tid } });
const found = async (tid: string, q: string): Promise<string[]> => {
  const { status, body } = await search(tid, q);
  expect(status).toBe(200);
  return body.data.map((hit: { title: string }) => hit.title);
};
const start = (tid: string, as: Record<string, unknown> = {}) =>
  service.call('POST', '/api/v1/search/reindex', { as: { tid, ...as } });
const opened = (tid: string, ticket: ReturnType<typeof ticketFacts>) =>
  searchEvent(tid, 'ticket.opened.v1', ticket.customer_id, { ticket });
const updated = (tid: string, ticket: ReturnType<typeof ticketFacts>) =>
  searchEvent(tid, 'ticket.updated.v1', ticket.customer_id, { ticket, changes: [] });
const emptyIndex = () => service.db.admin`delete from search.documents`;

/** A tenant with tickets of these titles. */
async function tenantWith(...titles: string[]) {
  const [tid, acme] = [randomUUID(), randomUUID()];
  const tickets = titles.map((title) => ticketFacts(acme, { title }));
  for (let at = 0; at < tickets.length; at += 200) {
    await indexEvents(
      service.deps,
      tickets.slice(at, at + 200).map((ticket) => opened(tid, ticket)),
    );
  }
  return { tid, tickets };
}

describe('a removed attachment', () => {
  it.each(['in order', 'before the event that attached it'])(
    'does not find its ticket any more, told %s, nor after a reindex',
    async (order) => {
      const { tid, tickets } = await tenantWith('Angebot mit Anlage');
      const [ticket] = tickets;
      const file = (type: string, version: number, attachment_id: string, file_name: string) =>
        searchEvent(tid, type, ticket!.customer_id, {
          ticket: { ...ticket, version },
          attachment_id,
          file_name,
          visibility: 'public',
        });
      const [gone, stays] = [randomUUID(), randomUUID()];
      await indexEvents(service.deps, [file('ticket.attached.v1', 2, stays, 'Lageplan.pdf')]);
      const attached = file('ticket.attached.v1', 3, gone, 'Gehaltsliste.pdf');
      const detached = file('ticket.detached.v1', 4, gone, 'Gehaltsliste.pdf');
      const [first, second] = order === 'in order' ? [attached, detached] : [detached, attached];
      await indexEvents(service.deps, [first!]);
      expect(await found(tid, 'gehaltsliste')).toHaveLength(order === 'in order' ? 1 : 0);
      await indexEvents(service.deps, [second!]);
      const asked = async () => [await found(tid, 'gehaltsliste'), await found(tid, 'lageplan')];
      expect(await asked()).toEqual([[], ['Angebot mit Anlage']]);

      await emptyIndex();
      await start(tid);
      await reindexWorker(service.deps).runDue();
      expect(await asked()).toEqual([[], ['Angebot mit Anlage']]);
    },
  );
});

describe('documents of a release before', () => {
  const folder = new URL('../db/migrations/', import.meta.url);
  const bringing = readdirSync(folder)
    .map((name) => readFileSync(new URL(name, folder), 'utf8'))
    .filter((text) => text.includes(`'reindex_form_${DOCUMENT_FORM}'`));

  it('are put anew in the form of this one, by itself and once', async () => {
    const [tid, customer_id] = [randomUUID(), randomUUID()];
    const facts = customerFacts(customer_id, 'Bäckerei Korn', { customer_number: 10_001 });
    await indexEvents(service.deps, [searchEvent(tid, 'customer.created.v1', customer_id, facts)]);
    const known = await service.db
      .admin`select revision, updated_at from search.objects where tenant_id = ${tid}`;
    const object = { type: 'customer', id: customer_id, facts } as unknown as Described;
    const { revision, updated_at } = known[0]!;
    const stored = {
      tenant_id: tid,
      object,
      customer_id,
      revision: Number(revision),
      updated_at: toIso(updated_at)!,
    };
    const document = documentOf(stored, []);
    const keywords = document.keywords.filter((keyword) => keyword !== 'K10001');
    await service.deps.searchIndex.put([{ ...document, keywords }]);
    expect([await found(tid, 'K10001'), await found(tid, 'Korn')]).toEqual([[], ['Bäckerei Korn']]);

    await service.db.admin.unsafe(bringing[0]!);
    await service.db.admin`update search.timers set due_at = ${service.clock.now().toISOString()}`;
    const worker = reindexWorker(service.deps);
    expect(await worker.runDue()).toBeGreaterThan(0);
    expect(await found(tid, 'K10001')).toEqual(['Bäckerei Korn']);
    expect(await worker.runDue()).toBe(0);
  });

  it('have another form when its number says so: a change of it raises the number, with a migration', () => {
    const id = '0195d000-0000-7000-8000-000000000001';
    const ticket = ticketFacts(id, { ticket_id: id, description: 'b', category: 'c', tags: ['t'] });
    const customer = customerFacts(id, 'd', {
      website: 'w',
      notes: 'n',
      tags: ['t'],
      email: 'e',
      phone: 'p',
    });
    const contact = contactFacts(id, 'f', {
      contact_id: id,
      position: 'p',
      notes: 'n',
      email: 'e',
      phone: 'p',
    });
    const objects = [
      { type: 'ticket', id, facts: ticket },
      { type: 'customer', id, facts: customer },
      { type: 'contact', id, facts: contact },
    ] as unknown as Described[];
    const texts = [true, false].map((internal) => ({
      ticket_id: id,
      id,
      internal,
      body: 'x',
      written_at: '',
    }));
    const stored = { tenant_id: id, customer_id: id, revision: 1, updated_at: '' };
    const documents = objects.map((object) => documentOf({ ...stored, object }, texts));
    const digest = createHash('sha256').update(JSON.stringify(documents)).digest('hex').slice(0, 16);
    expect({ form: DOCUMENT_FORM, digest, migrations: bringing.length }).toEqual({
      form: 3,
      digest: '1ea19f46b6b62632',
      migrations: 1,
    });
  });
});

describe('POST /search/reindex', () => {
  it('rebuilds from nothing, page by page, while queries and changes go on', async () => {
    const { tid, tickets } = await tenantWith(...Array.from({ length: 1_050 }, (_, i) => `Bestand nr${i}x`));
    const sorted = tickets.toSorted((a, b) => (a.ticket_id < b.ticket_id ? -1 : 1));
    const [early, late, gone] = [sorted[0]!, sorted[1_049]!, sorted[1_048]!];
    await emptyIndex();
    await start(tid);
    const worker = reindexWorker(service.deps);
    const totals = [(await search(tid, 'bestand')).body.meta.total];
    for (let page = 0; page < 10; page++) {
      if ((await worker.runDue()) === 0) break;
      totals.push((await search(tid, 'bestand')).body.meta.total);
      if (page > 0) continue;
      // One that has been put already, one that has not, and one that goes.
      await indexEvents(service.deps, [
        updated(tid, { ...early, title: 'Frühe Neufassung', version: 2 }),
        updated(tid, { ...late, title: 'Späte Neufassung', version: 2 }),
        searchEvent(tid, 'ticket.deleted.v1', gone.customer_id, { ticket: { ...gone, version: 2 } }),
      ]);
    }
    expect(totals).toEqual([0, 500, 999, 1_000]);
    expect((await found(tid, 'neufassung')).sort()).toEqual(['Frühe Neufassung', 'Späte Neufassung']);
    expect(await found(tid, gone.title)).toEqual([]);
    for (const ticket of [sorted[1]!, sorted[600]!, sorted[1_047]!])
      expect(await found(tid, ticket.title.split(' ')[1]!)).toEqual([ticket.title]);
    const [row] = await service.db.admin`
      select count(*)::int as present from search.documents where tenant_id = ${tid} and not removed`;
    expect(row!.present).toBe(1_049);
  });

  it('does not overwrite a change that comes between reading a page and putting it', async () => {
    const { tid, tickets } = await tenantWith('Alte Fassung');
    await start(tid);
    const { searchIndex } = service.deps;
    const slow = Object.create(searchIndex, {
      put: {
        value: async (documents: Parameters<typeof searchIndex.put>[0]) => {
          await indexEvents(service.deps, [
            updated(tid, { ...tickets[0]!, title: 'Neue Fassung', version: 2 }),
          ]);
          await searchIndex.put(documents);
        },
      },
      remove: { value: searchIndex.remove.bind(searchIndex) },
    });
    expect(await reindexWorker({ ...service.deps, searchIndex: slow }).runDue()).toBe(1);
    expect(await found(tid, 'fassung')).toEqual(['Neue Fassung']);
  });

  it('goes on where it was after the index was away', async () => {
    const { tid } = await tenantWith(...Array.from({ length: 510 }, (_, i) => `Abbruch nr${i}x`));
    await emptyIndex();
    await start(tid);
    const worker = reindexWorker(service.deps);
    expect(await worker.runDue()).toBe(1);
    const away = Object.create(service.deps.searchIndex, {
      put: { value: () => Promise.reject(new Error('away')) },
    });
    expect(await reindexWorker({ ...service.deps, searchIndex: away }).runDue()).toBe(0);
    expect((await search(tid, 'abbruch')).body.meta.total).toBe(500);
    service.clock.advance({ seconds: 11 });
    expect(await worker.runDue()).toBe(1);
    expect((await search(tid, 'abbruch')).body.meta.total).toBe(510);
    expect(await worker.runDue()).toBe(0);
  });

  it('fills the tenant that asked, and no other', async () => {
    const [one, two] = [await tenantWith('Doppelgänger'), await tenantWith('Doppelgänger')];
    await emptyIndex();
    await start(one.tid);
    await reindexWorker(service.deps).runDue();
    expect(await found(one.tid, 'doppelgänger')).toEqual(['Doppelgänger']);
    expect(await found(two.tid, 'doppelgänger')).toEqual([]);
  });

  it('is for administrators, and runs by itself in the service', async () => {
    const { tid } = await tenantWith('Selbstläufer');
    await emptyIndex();
    for (const role of ['dispatcher', 'technician']) expect((await start(tid, { role })).status).toBe(403);
    const portal = { role: 'customer_admin', audience: 'customer', customer_id: randomUUID() };
    expect((await start(tid, portal)).status).toBe(403);
    const { status, body } = await start(tid);
    expect([status, body]).toEqual([202, { data: { started: true } }]);
    await service.running.start();
    await until(async () => (await found(tid, 'selbstläufer')).length === 1);
  });
});
