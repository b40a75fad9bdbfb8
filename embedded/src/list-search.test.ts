import { randomUUID } from 'node:crypto';
import type { AccessClaims } from '@psa/contracts/tokens';
import { searchService } from '@psa/search/app';
import { inProcessPeers } from '@psa/service-kit/peers';
import { chance } from '@psa/test-kit/corpus';
import { searchDocument } from '@psa/test-kit/search.contract';
import { type TestService, testService } from '@psa/test-kit/service';
import { ticketsService } from '@psa/tickets/app';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const TICKETS = 6_000;
const WORDS = [
  'Zertifikat',
  'Drucker',
  'Netzwerk',
  'Server',
  'Passwort',
  'Bildschirm',
  'Telefon',
  'Rechnung',
];
const STATUSES = ['new', 'assigned', 'in_progress', 'waiting_customer', 'resolved', 'closed'];
const OPEN = STATUSES.slice(0, 4);
const PRIORITIES = ['low', 'medium', 'high', 'critical'];
const SOURCES = ['portal', 'technician', 'email', 'phone'];

interface Made {
  readonly id: string;
  readonly number: number;
  readonly title: string;
  readonly body: string;
  readonly internal: string;
  readonly status: string;
  readonly priority: string;
  readonly source: string;
  readonly customer: string;
  readonly requester: string | null;
  readonly assignee: string | null;
  readonly watcher: string | null;
  readonly ofTeam: boolean;
  readonly created: number;
  readonly updated: number;
}

const next = chance(9);
const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
const customers = Array.from({ length: 12 }, () => randomUUID());
const people = Array.from({ length: 8 }, () => randomUUID());
const team = randomUUID();
const start = Date.UTC(2025, 0, 1);
const made: Made[] = Array.from({ length: TICKETS }, (_, i) => ({
  id: randomUUID(),
  number: 1_000 + i,
  title: next() < 0.5 ? `${pick(WORDS)} im Haus` : 'Eine Anfrage',
  body: `Es geht um ${pick(WORDS)} und ${pick(WORDS)}.`,
  internal: next() < 0.3 ? `Notiz: ${pick(WORDS)}` : '',
  status: next() < 0.9 ? pick(STATUSES.slice(4)) : pick(OPEN),
  priority: pick(PRIORITIES),
  source: pick(SOURCES),
  customer: customers[Math.floor(next() ** 2 * customers.length)]!,
  requester: next() < 0.5 ? pick(people) : null,
  assignee: next() < 0.6 ? pick(people) : null,
  watcher: next() < 0.2 ? pick(people) : null,
  ofTeam: next() < 0.1,
  created: start + Math.floor(next() * 3e10),
  updated: start + 3e10 + Math.floor(next() * 1e10),
}));

let tickets: TestService;
let search: TestService;

beforeAll(async () => {
  const peers = inProcessPeers(() => search.app, { now: () => new Date() });
  tickets = await testService(ticketsService, { peers });
  search = await testService(searchService, {
    overrides: { verifier: tickets.deps.verifier },
    peers: inProcessPeers(() => tickets.app, { now: () => new Date() }),
  });
  const tenantId = tickets.tenantId;
  await tickets.db.admin`insert into tickets.customers (tenant_id, customer_id, name, version)
    select ${tenantId}, id, 'Kunde', 1 from unnest(${customers}::uuid[]) as c(id)`;
  const column = <K extends keyof Made>(name: K) => made.map((one) => one[name]) as never;
  const times = (name: 'created' | 'updated') => made.map((one) => new Date(one[name]).toISOString());
  await tickets.db.admin`
    insert into tickets.tickets (tenant_id, id, ticket_number, title, description, status, priority, source, customer_id,
      requester_id, assigned_to, created_at, updated_at)
    select ${tenantId}, * from unnest(${column('id')}::uuid[], ${column('number')}::int[], ${column('title')}::text[],
      ${column('body')}::text[], ${column('status')}::text[], ${column('priority')}::text[], ${column('source')}::text[],
      ${column('customer')}::uuid[], ${column('requester')}::uuid[], ${column('assignee')}::uuid[],
      ${times('created')}::timestamptz[], ${times('updated')}::timestamptz[])`;
  const watched = made.flatMap((one) => (one.watcher ? [{ ...one, watcher: one.watcher }] : []));
  await tickets.db.admin`
    insert into tickets.watchers (tenant_id, ticket_id, user_id, customer_id, name, created_at)
    select ${tenantId}, id, user_id, customer_id, 'Jemand', now()
    from unnest(${watched.map((one) => one.id)}::uuid[], ${watched.map((one) => one.watcher)}::uuid[],
      ${watched.map((one) => one.customer)}::uuid[]) as w(id, user_id, customer_id)`;
  await tickets.db.admin`insert into tickets.teams (tenant_id, id, name, created_at, updated_at)
    values (${tenantId}, ${team}, 'Netz', now(), now())`;
  await tickets.db.admin`insert into tickets.technicians (tenant_id, id, name)
    values (${tenantId}, ${people[0]!}, 'Erste')`;
  await tickets.db.admin`insert into tickets.team_members (tenant_id, team_id, user_id)
    values (${tenantId}, ${team}, ${people[0]!})`;
  const ofTeam = made.filter((one) => one.ofTeam).map((one) => one.id);
  await tickets.db.admin`update tickets.tickets set team_id = ${team} where id = any(${ofTeam})`;
  await tickets.db.admin.unsafe('analyze tickets.tickets');
  await search.deps.searchIndex.put(
    made.map((one) =>
      searchDocument(tenantId, {
        id: one.id,
        customer_id: one.customer,
        title: one.title,
        body: one.body,
        internal: one.internal,
        keywords: [String(one.number)],
        updated_at: new Date(one.updated).toISOString(),
      }),
    ),
  );
}, 180_000);
afterAll(async () => {
  await tickets?.close();
  await search?.close();
});

type Asker = Partial<AccessClaims>;
/** Staff who see what they work on or watch. */
const OWN_ONLY = { role: 'freelancer', permissions: ['ticket:view:own', 'search:query', 'customer:view'] };
const isPortal = (as: Asker) => as.customer_id !== undefined;

/** Who may see a ticket, said once more, as plainly as can be. */
function sees(as: Asker, one: Made): boolean {
  if (isPortal(as)) {
    if (one.customer !== as.customer_id) return false;
    return as.role === 'customer_admin' || one.requester === as.sub || one.watcher === as.sub;
  }
  if (as.role !== OWN_ONLY.role) return true;
  return one.assignee === as.sub || one.watcher === as.sub || (one.ofTeam && as.sub === people[0]);
}
function matches(as: Asker, one: Made, words: readonly string[]): boolean {
  const text = `${one.title} ${one.body} ${isPortal(as) ? '' : one.internal}`.toLowerCase();
  return words.every((word) => text.includes(word.toLowerCase()));
}

const FILTERS: Record<string, () => [query: string, test: (one: Made) => boolean]> = {
  status: () => {
    const wanted = pick([OPEN, ['closed', 'resolved'], ['in_progress']]);
    const query = wanted === OPEN ? 'open' : wanted.join(',');
    return [`status=${query}`, (one) => wanted.includes(one.status)];
  },
  priority: () => {
    const wanted = pick(PRIORITIES);
    return [`priority=${wanted}`, (one) => one.priority === wanted];
  },
  source: () => {
    const wanted = pick(SOURCES);
    return [`source=${wanted}`, (one) => one.source === wanted];
  },
  customer: () => {
    const wanted = pick(customers);
    return [`customer_id=${wanted}`, (one) => one.customer === wanted];
  },
  assignee: () => {
    const wanted = pick([...people, null]);
    return [`assigned_to=${wanted ?? 'none'}`, (one) => one.assignee === wanted];
  },
  young: () => {
    const at = start + 2e10;
    return [`created_after=${new Date(at).toISOString()}`, (one) => one.created >= at];
  },
};
const SORTS: Record<string, (a: Made, b: Made) => number> = {
  'sort=ticket_number&order=desc': (a, b) => b.number - a.number,
  'sort=created_at&order=asc': (a, b) => a.created - b.created || (a.id < b.id ? -1 : 1),
  'sort=priority,created_at&order=desc,asc': (a, b) =>
    PRIORITIES.indexOf(b.priority) - PRIORITIES.indexOf(a.priority) ||
    a.created - b.created ||
    (a.id < b.id ? -1 : 1),
};

/** All ids of a list, page by page, and what its first page says of their number. */
async function listed(query: string, as: Asker) {
  const ids: string[] = [];
  let meta: { total: number; total_relation: string } | undefined;
  for (let cursor = ''; ; ) {
    const { status, body } = await tickets.call(
      'GET',
      `/api/v1/tickets?${query}&limit=100&fields=id${cursor}`,
      {
        as,
      },
    );
    expect(status, query).toBe(200);
    meta ??= body.meta;
    ids.push(...body.data.map((one: { id: string }) => one.id));
    if (body.meta.next_cursor === null) return { ids, meta: meta! };
    cursor = `&cursor=${body.meta.next_cursor}`;
  }
}

describe('a list that is searched and filtered', () => {
  const askers = (): Record<string, Asker> => {
    const customer_id = pick(customers);
    const sub = pick(people);
    return {
      staff: { role: 'technician_l1', sub: randomUUID() },
      'staff with own tickets': { ...OWN_ONLY, sub },
      'customer administrator': { role: 'customer_admin', customer_id, sub },
      'customer user': { role: 'customer_user', customer_id, sub },
    };
  };

  it('has what a plain look at every ticket finds, in order, with a true count', {
    timeout: 240_000,
  }, async () => {
    for (let round = 0; round < 36; round++) {
      const [who, as] = Object.entries(askers())[round % 4]!;
      const words = round % 4 === 0 ? [pick(WORDS), pick(WORDS)] : [pick(WORDS)];
      const chosen = Object.values(FILTERS)
        .filter(() => next() < 0.25)
        .map((make) => make());
      const [sort, order] = pick(Object.entries(SORTS));
      const wanted = made
        .filter((one) => sees(as, one) && matches(as, one, words) && chosen.every(([, test]) => test(one)))
        .sort(order)
        .map((one) => one.id);
      const query = [`search=${words.join('%20')}`, sort, ...chosen.map(([part]) => part)].join('&');
      const { ids, meta } = await listed(query, as);
      expect(ids, `${who}: ${query}`).toEqual(wanted);
      expect([meta.total, meta.total_relation], `${who}: ${query}`).toEqual(
        wanted.length > 1_000 ? [1_000, 'gte'] : [wanted.length, 'eq'],
      );
    }
  });

  it('goes by title, then by date, without an order of its own, far beyond the 1,000th', async () => {
    const as = { role: 'technician_l1', sub: randomUUID() };
    const { ids } = await listed('search=drucker', as);
    const inTitle = (one: Made) => Number(one.title.includes('Drucker'));
    const wanted = made
      .filter((one) => matches(as, one, ['drucker']))
      .sort((a, b) => inTitle(b) - inTitle(a) || b.updated - a.updated || (a.id > b.id ? -1 : 1))
      .map((one) => one.id);
    expect(wanted.length).toBeGreaterThan(1_500);
    expect(ids).toEqual(wanted);
  });

  it('has the ticket of a typed number first', async () => {
    const as = { role: 'technician_l1', sub: randomUUID() };
    const { ids } = await listed('search=1234', as);
    expect(ids).toEqual([made.find((one) => one.number === 1234)!.id]);
  });
});

/** All tickets that `GET /search` finds, and what it says of their number. */
async function searched(text: string, as: Asker) {
  const { status, body } = await search.call(
    'GET',
    `/api/v1/search?types=ticket&limit=1000&q=${encodeURIComponent(text)}`,
    {
      as: null,
      headers: { authorization: `Bearer ${await tickets.tokens.issue({ tid: tickets.tenantId, ...as })}` },
    },
  );
  expect(status).toBe(200);
  return { ids: body.data.map((one: { id: string }) => one.id) as string[], meta: body.meta };
}

describe('the search for everything', () => {
  const customer_id = customers[0]!;
  const [first, second] = people;
  it.each<[string, Asker]>([
    ['staff who work in a team', { ...OWN_ONLY, sub: first! }],
    ['staff who see own tickets', { ...OWN_ONLY, sub: second! }],
    ['staff without any', { ...OWN_ONLY, sub: randomUUID() }],
    ['a portal user', { role: 'customer_user', customer_id, sub: first! }],
    ['a customer administrator', { role: 'customer_admin', customer_id, sub: randomUUID() }],
  ])('finds for %s what the list shows, no more and no less', async (_, as) => {
    // Two words: what all staff find of them is below the thousandth, too.
    for (const text of ['zertifikat drucker', 'telefon rechnung']) {
      const wanted = made
        .filter((one) => sees(as, one) && matches(as, one, text.split(' ')))
        .map(({ id }) => id);
      const [list, found] = [
        await listed(`search=${encodeURIComponent(text)}`, as),
        await searched(text, as),
      ];
      expect(found.ids.toSorted()).toEqual(wanted.toSorted());
      expect(list.ids.toSorted()).toEqual(wanted.toSorted());
      expect(found.meta).toMatchObject({ total: wanted.length, total_relation: 'eq' });
    }
  });

  it('follows at once when a ticket is no longer watched', async () => {
    const as = { role: 'customer_user', customer_id, sub: first! };
    const one = made.find(
      (one) => one.customer === customer_id && one.watcher === first && one.requester !== first,
    )!;
    const [word] = /\w+(?=\.$)/.exec(one.body)!;
    const finds = async () => (await searched(word!, as)).ids.includes(one.id);
    expect(await finds()).toBe(true);
    await tickets.call('DELETE', `/api/v1/tickets/${one.id}/watchers`, { as });
    expect(await finds()).toBe(false);
  });

  it('asks about the newest matches where somebody has more tickets than can be named', async () => {
    const sub = people[2]!;
    await tickets.db.admin`update tickets.tickets set assigned_to = ${sub}`;
    const as = { ...OWN_ONLY, sub };
    const wanted = made.filter((one) => matches(as, one, ['zertifikat', 'drucker'])).map(({ id }) => id);
    const { ids, meta } = await searched('zertifikat drucker', as);
    expect([ids.toSorted(), meta.total_relation]).toEqual([wanted.toSorted(), 'eq']);
  });
});
