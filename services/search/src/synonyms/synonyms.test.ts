import { randomUUID } from 'node:crypto';
import { linesOf } from '@psa/contracts/synonyms';
import { type TestService, testService } from '@psa/test-kit/service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { searchService } from '../app.ts';
import { indexEvents } from '../objects/consumer.ts';
import { searchEvent, ticketFacts, ticketsShowing } from '../search.test-helper.ts';
import { problemsOf } from './domain.ts';
import { SHIPPED_SYNONYMS } from './shipped.ts';

let service: TestService;
beforeAll(async () => {
  service = await testService(searchService, { peers: ticketsShowing([]) });
});
afterAll(() => service.close());

const path = '/api/v1/search/synonyms';
async function tenantWith(...titles: string[]) {
  const [tid, acme] = [randomUUID(), randomUUID()];
  await indexEvents(
    service.deps,
    titles.map((title) =>
      searchEvent(tid, 'ticket.opened.v1', acme, { ticket: ticketFacts(acme, { title }) }),
    ),
  );
  const found = async (q: string, as: Record<string, unknown> = {}) => {
    const { body } = await service.call('GET', `/api/v1/search?q=${encodeURIComponent(q)}`, {
      as: { tid, ...as },
    });
    return body.data.map((hit: { title: string }) => hit.title);
  };
  const get = () => service.call('GET', path, { as: { tid } });
  const set = (groups: unknown, headers: Record<string, string> = {}) =>
    service.call('PATCH', path, { as: { tid }, body: { groups }, headers });
  const portal = { audience: 'customer', role: 'customer_admin', customer_id: acme };
  return { tid, found, get, set, portal };
}

describe('the shipped list', () => {
  it('is right by the rules that a list must keep, and holds for everybody until one is set', async () => {
    expect(problemsOf(SHIPPED_SYNONYMS)).toEqual([]);
    expect(SHIPPED_SYNONYMS.length).toBeGreaterThan(60);
    expect(SHIPPED_SYNONYMS.filter((group) => group.length < 2)).toEqual([]);
    const { found, get, portal } = await tenantWith('Kennwort vergessen', 'New printer', 'Konto gesperrt');
    expect(await found('passwort')).toEqual(['Kennwort vergessen']);
    expect(await found('drucker', portal)).toEqual(['New printer']);
    expect(await found('account locked')).toEqual(['Konto gesperrt']);
    expect((await get()).body.data).toMatchObject({ shipped: true, version: 0, updated_at: null });
  });
});

describe('a list of the tenant', () => {
  it('holds from the next search on, in lists of tickets too, and tells what it changed', async () => {
    const { tid, found, get, set } = await tenantWith('Kasse defekt', 'Neuer Drucker');
    expect(await found('printer')).toEqual(['Neuer Drucker']);
    const { status, body, headers } = await set([
      ['Kasse', 'Terminal', 'point of sale'],
      ['drucker', 'printer'],
    ]);
    expect([status, headers.etag, body.data.shipped, body.data.version]).toEqual([200, '"1"', false, 1]);
    expect([await found('terminals'), await found('point of sale'), await found('kaputt')]).toEqual([
      ['Kasse defekt'],
      ['Kasse defekt'],
      [],
    ]);
    const matches = await service.call('POST', '/internal/search/matches', {
      as: { tid },
      body: { q: 'terminal', type: 'ticket', most: 10 },
    });
    expect(matches.body.tiers.join('')).not.toBe('');
    const events = await service.db.admin<{ event: { type: string; data: Record<string, unknown> } }[]>`
      select event from search.outbox where tenant_id = ${tid}`;
    expect(events.map(({ event }) => event.type)).toEqual(['search.synonyms_changed.v1']);
    const { added, removed, shipped, version } = events[0]!.event.data as Record<string, string[]>;
    expect([
      added,
      removed!.includes('laptop = notebook'),
      removed!.includes('drucker = printer'),
      shipped,
      version,
    ]).toEqual([['Kasse = Terminal = point of sale'], true, false, false, 1]);

    expect((await set([], { 'if-match': '"1"' })).status).toBe(200);
    expect([await found('printer'), await found('drucker')]).toEqual([[], ['Neuer Drucker']]);
    expect((await get()).body.data).toMatchObject({ groups: [], shipped: false, version: 2 });
    expect((await set(null)).body.data).toMatchObject({ shipped: true, version: 3 });
    expect(await found('printer')).toEqual(['Neuer Drucker']);
    expect(linesOf((await get()).body.data.groups)).toBe(linesOf(SHIPPED_SYNONYMS));
  });

  it('is the tenant’s own, and of two changes at once one is told', async () => {
    const [one, other] = [await tenantWith('Kasse'), await tenantWith('Kasse')];
    await one.set([['kasse', 'terminal']]);
    expect([await one.found('terminal'), await other.found('terminal')]).toEqual([['Kasse'], []]);
    const both = await Promise.all([
      one.set([['kasse', 'a b']], { 'if-match': '"1"' }),
      one.set([['kasse', 'c d']], { 'if-match': '"1"' }),
    ]);
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 412]);
  });

  it.each([
    [[['drucker']], 'groups[0]'],
    [[['drucker', '---']], 'groups[0][1]'],
    [[['drucker', '']], 'groups[0][1]'],
    [
      [
        ['a', 'b'],
        ['Drücker', 'druecker', 'DRUCKER!', 'drucker'],
      ],
      'groups[1][3]',
    ],
    [[['a b c d e', 'x']], 'groups[0][0]'],
    [[['a', 'b'.repeat(61)]], 'groups[0][1]'],
    [[['a', 'b\nc']], 'groups[0][1]'],
    [Array.from({ length: 501 }, (_, i) => [`a${i}`, `b${i}`]), 'groups'],
    [[Array.from({ length: 21 }, (_, i) => `w${i}`)], 'groups[0]'],
    ['drucker = printer', 'groups'],
  ])('refuses %j by its place', async (groups, field) => {
    const { set, get } = await tenantWith();
    const { status, body } = await set(groups);
    expect([status, body.error.details.map((one: { field: string }) => one.field)]).toEqual([
      400,
      expect.arrayContaining([field]),
    ]);
    expect((await get()).body.data.version).toBe(0);
  });

  it('is for those who manage the search', async () => {
    const { tid } = await tenantWith();
    for (const role of ['technician_l1', 'service_manager'])
      for (const method of ['GET', 'PATCH'] as const)
        expect(
          (
            await service.call(method, path, {
              as: { tid, role },
              ...(method === 'PATCH' && { body: { groups: [] } }),
            })
          ).status,
        ).toBe(403);
  });

  it('may be as long as it is allowed to be', async () => {
    const { set, found } = await tenantWith('Wort499x3');
    expect(
      (
        await set(
          Array.from({ length: 500 }, (_, i) => Array.from({ length: 20 }, (_, j) => `wort${i}x${j}`)),
        )
      ).status,
    ).toBe(200);
    expect(await found('wort499x19')).toEqual(['Wort499x3']);
  });
});
