import { randomUUID } from 'node:crypto';
import { type TestService, testService } from '@psa/test-kit/service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { searchService } from '../app.ts';
import { indexEvents } from '../objects/consumer.ts';
import {
  contactFacts,
  customerFacts,
  searchEvent,
  ticketFacts,
  ticketsShowing,
} from '../search.test-helper.ts';

let service: TestService;
/** What the ticket list shows those who see only some. */
const shown: string[] = [];

beforeAll(async () => {
  service = await testService(searchService, { peers: ticketsShowing(shown) });
});
afterAll(() => service.close());

const search = (q: string, as: Record<string, unknown> = {}, more = '') =>
  service.call('GET', `/api/v1/search?q=${encodeURIComponent(q)}${more}`, { as });
const titles = async (q: string, as: Record<string, unknown> = {}) => {
  const { status, body } = await search(q, as);
  expect(status, q).toBe(200);
  return body.data.map((hit: { title: string }) => hit.title);
};
/** A tenant of its own with these tickets, and who asks there. */
async function tenantWith(...tickets: Record<string, unknown>[]) {
  const [tid, acme] = [randomUUID(), randomUUID()];
  await indexEvents(
    service.deps,
    tickets.map((more) =>
      searchEvent(tid, 'ticket.opened.v1', acme, {
        ticket: ticketFacts((more.customer_id as string) ?? acme, more),
      }),
    ),
  );
  return { staff: { tid }, admin: { tid, role: 'customer_admin', audience: 'customer', customer_id: acme } };
}

describe('what is typed', () => {
  it.each([
    ['Die Drucker in den Häusern drucken nicht', 'drucker haus'],
    ['Die Drucker in den Häusern drucken nicht', 'Druckern Haeuser'],
    ['Störung bei Frau Müller', 'stoerung mueller'],
    ['Störung bei Frau Müller', 'storung MULLER'],
    ['Printers are restarting again', 'printer restarted'],
    ['The services have crashed', 'crash service'],
    ['Zugriff auf das Laufwerk', 'laufw'],
    ['Zugriff auf das Laufwerk', 'laufwrek'],
    ['Cannot connect to the network', 'conect netwrok'],
  ])('finds "%s" by "%s"', async (title, q) => {
    const { staff, admin } = await tenantWith({ title }, { title: 'Etwas ganz anderes' });
    expect(await titles(q, staff)).toEqual([title]);
    expect(await titles(q, admin)).toEqual([title]);
  });

  it.each([
    '%',
    '%%%',
    '_',
    '"',
    '""',
    '"offen',
    "' or 1=1 --",
    "'); drop table search.documents; --",
    '\\',
    '*',
    '<script>',
    '🖨️',
    '🧑‍💻🧑‍💻',
    '   ',
    ':* & ! |',
    '\uFEFF\u200B',
    '{"match_all":{}}',
  ])('takes %j for text, and not for "everything"', async (q) => {
    const { staff } = await tenantWith({ title: 'Drucker' }, { title: 'Monitor' });
    expect(await titles(q, staff)).toEqual([]);
    expect(await titles(`drucker ${q.replace(/[\p{L}\p{N}]/gu, '')}`, staff)).toEqual(['Drucker']);
  });

  it('refuses 10 kB by name, and takes what is allowed', async () => {
    for (const q of ['x'.repeat(10_240), 'wort '.repeat(2_048), '%'.repeat(3_000)]) {
      const { status, body } = await search(q);
      expect(status).toBe(400);
      expect(body.error.details).toEqual([expect.objectContaining({ field: expect.stringContaining('q') })]);
    }
    expect((await search('ä'.repeat(200))).status).toBe(200);
  });

  it('answers 503 while the index is away', async () => {
    const away = Object.create(service.deps.searchIndex, {
      query: { value: () => Promise.reject(new Error('connection refused')) },
    });
    const broken = await testService(searchService, { overrides: { searchIndex: away } });
    const { status, body, headers } = await broken.call('GET', '/api/v1/search?q=drucker');
    expect([status, headers['retry-after']]).toEqual([503, '2']);
    expect(JSON.stringify(body)).not.toContain('refused');
    await broken.close();
  });
});

describe('what is shown', () => {
  it('marks matches in plain text: nobody else can set the marks, markup stays text', async () => {
    const title = '<img src=x onerror=alert(1)> Drucker & \uE000Toner\uE001 "<b>"';
    const { staff } = await tenantWith({ title, description: '</mark><script>Drucker</script>' });
    const { body } = await search('drucker', staff);
    expect(body.data[0].highlights).toEqual({
      title: '<img src=x onerror=alert(1)> \uE000Drucker\uE001 & Toner "<b>"',
      body: '</mark><script>\uE000Drucker\uE001</script>',
    });
  });

  it('pages without gaps or doubles', async () => {
    const { staff } = await tenantWith(
      ...Array.from({ length: 45 }, (_, i) => ({ title: `Seitenweise ${i}`, ticket_number: 2_000 + i })),
    );
    const seen: string[] = [];
    for (const offset of [0, 20, 40, 60]) {
      const { body } = await search('seitenweise', staff, `&limit=20&offset=${offset}`);
      expect(body.meta).toMatchObject({ total: 45, total_relation: 'eq', limit: 20, offset });
      seen.push(...body.data.map((hit: { id: string }) => hit.id));
    }
    expect([seen.length, new Set(seen).size]).toEqual([45, 45]);
    expect((await search('seitenweise', staff, '&offset=10001')).status).toBe(400);
  });

  it('proposes words only of what the asker may see', async () => {
    const beta = randomUUID();
    const { staff, admin } = await tenantWith(
      { title: 'Projekt Zugspitze', customer_id: beta },
      { title: 'Projekt Watzmann' },
    );
    expect((await search('zugspizte', staff)).body.meta.corrected).toEqual({ zugspizte: ['zugspitze'] });
    expect((await search('zugspizte', admin)).body).toMatchObject({
      data: [],
      meta: { total: 0, corrected: {} },
    });
    expect(await titles('watzman', { ...admin, customer_id: beta })).toEqual([]);
  });

  it('keeps two tenants apart that have the same words', async () => {
    const [one, two] = [await tenantWith({ title: 'Serverraum' }), await tenantWith({ title: 'Serverraum' })];
    const ids = async (as: Record<string, unknown>, q = 'serverraum') =>
      (await search(q, as)).body.data.map((hit: { id: string }) => hit.id);
    const [mine, foreign] = [await ids(one.staff), await ids(two.staff)];
    expect([mine.length, foreign.length]).toEqual([1, 1]);
    expect(mine).not.toEqual(foreign);
    expect(await ids(one.staff, 'serveraum')).toEqual(mine);
    // A customer of one tenant with a token of the other.
    expect(await ids({ ...one.admin, tid: two.staff.tid })).toEqual([]);
  });
});

describe('internal text', () => {
  it('is found, marked, proposed and counted for staff only, through every door', async () => {
    const [tid, acme, anna] = [randomUUID(), randomUUID(), randomUUID()];
    const facts = ticketFacts(acme, { title: 'Angebot', requester_id: anna });
    const data = { comment_id: randomUUID(), visibility: 'internal', body: 'Zahlungsausfall droht' };
    const contact = contactFacts(acme, 'Anna', { user_id: anna, notes: 'Zahlungsmoral schlecht' });
    await indexEvents(service.deps, [
      searchEvent(tid, 'ticket.opened.v1', acme, { ticket: facts }),
      searchEvent(
        tid,
        'ticket.commented.v1',
        acme,
        { ...data, ticket: { ...facts, version: 2 } },
        { public: false },
      ),
      searchEvent(
        tid,
        'ticket.attached.v1',
        acme,
        {
          ticket: { ...facts, version: 3 },
          attachment_id: randomUUID(),
          file_name: 'mahnbescheid.pdf',
          size: 1,
          visibility: 'internal',
        },
        { public: false },
      ),
      searchEvent(tid, 'customer.created.v1', acme, customerFacts(acme, 'Acme', { notes: 'Inkassofall' })),
      searchEvent(tid, 'contact.created.v1', acme, contact),
    ]);
    shown.splice(0, Infinity, facts.ticket_id);
    const portal = { tid, audience: 'customer', customer_id: acme };
    const askers = [
      { ...portal, role: 'customer_admin' },
      { ...portal, role: 'customer_user', sub: anna },
    ];
    for (const q of [
      'zahlungsausfall',
      'zahlungsausfal',
      'zahlungs',
      '"zahlungsausfall droht"',
      'angebot droht',
      'mahnbescheid',
      'inkassofall',
      'zahlungsmoral',
    ]) {
      expect((await search(q, { tid })).body.meta.total, q).toBeGreaterThan(0);
      for (const as of askers) {
        const { body } = await search(q, as);
        expect(body, q).toMatchObject({ data: [], meta: { total: 0, corrected: {} } });
      }
    }
    for (const as of askers) {
      const { text } = await search('angebot', as);
      expect(text).toContain('Angebot');
      expect(text).not.toMatch(/Zahlung|mahnbescheid|Inkasso/);
    }
  });
});
