import { randomUUID } from 'node:crypto';
import { chance } from '@psa/test-kit/corpus';
import { type TestDatabase, testDatabase } from '@psa/test-kit/database';
import { searchDocument } from '@psa/test-kit/search.contract';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PostgresSearch } from './postgres-search.ts';

const TICKETS = 3_000;
/** Matches counted, few, so that what a thousand of 200,000 bring about is seen with a thousandth of them. */
const CAP = 20;
/** Words by the share of the tickets that have them. */
const WORDS = { drucker: 0.6, druckluft: 0.1, netzwerk: 0.3, server: 0.08, monitor: 0.02, tastatur: 0.005 };
const next = chance(4);
const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
const tenantId = randomUUID();
const customers = Array.from({ length: 5 }, () => randomUUID());
const documents = Array.from({ length: TICKETS }, (_, i) => {
  const words = Object.entries(WORDS).flatMap(([word, share]) => (next() < share ? [word] : []));
  // Two that stand together or not at all, which statistics of single words do not tell.
  if (next() < 0.12) words.push('grüße', 'freundlich');
  const inTitle = words.filter(() => next() < 0.2);
  return searchDocument(tenantId, {
    type: next() < 0.9 ? 'ticket' : 'contact',
    customer_id: pick(customers),
    title: ['Anfrage', ...inTitle].join(' '),
    body: words.filter((word) => !inTitle.includes(word)).join(' '),
    internal: next() < 0.1 ? 'drucker server' : '',
    keywords: next() < 0.1 ? [pick(['netzwerk', 'server'])] : [],
    state: { status: 'any', open: next() < 0.15 },
    // Many years, a gap of one, and a few of the last days.
    updated_at: new Date(
      Date.UTC(2020, 0, 1) + (i < TICKETS - 30 ? i : i + 1_200) * 1e8 + i * 7,
    ).toISOString(),
  });
}).sort(() => next() - 0.5);

const newest = documents
  .map((one) => one.updated_at)
  .sort()
  .at(-1)!;

/** What somebody may see of the tickets. */
const some = documents.slice(0, 900).map((one) => one.id);

let db: TestDatabase;
let sql: postgres.Sql;

beforeAll(async () => {
  db = await testDatabase();
  const index = new PostgresSearch({ url: db.urlFor('search') });
  await index.put(documents);
  await index.close();
  sql = postgres(db.urlFor('search'), { max: 1, onnotice: () => {} });
});
afterAll(async () => {
  await sql?.end();
  await db?.drop();
});

const one = (word: string, signs = '') => `('${word}'${signs} | '!${word}'${signs})`;
interface Asked {
  readonly match: string;
  readonly steady: string | null;
  readonly head: string;
  readonly groups: readonly string[];
}
function asked(words: readonly string[], beginning: string | null): Asked {
  const last = beginning === null ? [] : [beginning];
  return {
    match: [...words.map((word) => one(word)), ...last.map((word) => one(word, ':*'))].join(' & '),
    steady: words.length > 1 ? words.map((word) => one(word)).join(' & ') : null,
    head: [...words.map((word) => `'^${word}'`), ...last.map((word) => `'^${word}':*`)].join(' & '),
    groups: [...words.map((word) => `'${word}':`), ...last.map((word) => `'${word}':*`)],
  };
}

interface Asking {
  readonly customer: string;
  readonly only: readonly string[] | null;
  readonly types: string[] | null;
  readonly of: string | null;
  readonly since: string | null;
  readonly before: string | null;
  readonly byDate: boolean;
}

/** The pages of an answer by a look at every document, and by the function that looks at the newest half-years first. */
async function pages(query: Asked, as: Asking) {
  const internal = as.customer === '';
  const match = internal ? query.match : query.match.replace(/ \| '![^)]*/g, '');
  const steady = internal ? query.steady : (query.steady?.replace(/ \| '![^)]*/g, '') ?? null);
  return sql.begin('read only', async (tx) => {
    await tx`select set_config('psa.tenant_id', ${tenantId}, true), set_config('psa.customer_id', ${as.customer}, true)`;
    const weighted = (weight: string) => query.groups.map((group) => group + weight);
    const ages = [7, 30, 90, 180].map(
      (days) =>
        tx`(d.updated_at > date_trunc('day', ${newest}::timestamptz, 'UTC') + interval '1 day' - make_interval(days => ${days}))::integer`,
    );
    const of = (offset: number) => tx`
      with m as (
        select d.*, d.words @@ ${query.head}::tsquery as in_head, d.words @@ '$$' as goes_on, (
            select sum(case when d.head @@ t then 10 when d.head @@ k then 5 else 1 end)
            from unnest(${weighted('A')}::text[]::tsquery[], ${weighted('B')}::text[]::tsquery[]) as g(t, k)
          ) / ${query.groups.length}::real + case when d.words @@ '$$' then 6 else 0 end
          + ${ages[0]!} + ${ages[1]!} + ${ages[2]!} + ${ages[3]!} as points
        from search.documents d
        where d.words @@ ${match}::tsquery and (${as.types}::text[] is null or d.type = any (${as.types}::text[]))
          and (${as.only}::uuid[] is null or d.type <> 'ticket' or d.id = any (${as.only}::uuid[]))
          and (${as.of}::uuid is null or d.customer_id = ${as.of}::uuid)
          and (${as.since}::timestamptz is null or d.updated_at >= ${as.since}::timestamptz)
          and (${as.before}::timestamptz is null or d.updated_at < ${as.before}::timestamptz)
      ), pool as (
        (select * from m order by updated_at desc limit ${CAP + 1})
        union (select * from m where in_head order by updated_at desc limit ${as.byDate ? 0 : CAP})
        union (select * from m where goes_on order by updated_at desc limit ${as.byDate ? 0 : CAP})
        union (select * from m where in_head and goes_on order by updated_at desc limit ${as.byDate ? 0 : CAP})
      ), scored as (select type, id, updated_at, case when ${as.byDate} then 0 else points end as points from pool),
      best as (select * from scored order by points desc, updated_at desc, id limit ${CAP}),
      page as (select * from best order by points desc, updated_at desc, id offset ${offset} limit 8)
      select p.type, p.id, p.points::real as score, counted.total
      from (select least(count(*), ${CAP + 1})::integer as total from m) counted left join page p on true
      order by p.points desc, p.updated_at desc, p.id`;
    const rest = tx`${query.head}::tsquery, ${weighted('A')}::text[]::tsquery[], ${weighted('B')}::text[]::tsquery[],
      ''::tsquery, '$$'::tsquery, ${as.types}::text[], 'ticket', ${as.only}::uuid[], ${as.of}::uuid,
      ${as.since}::timestamptz, ${as.before}::timestamptz, ${as.byDate}, ${newest}::timestamptz, ${CAP}`;
    const each = await Promise.all(
      [0, 7, 15, 40].map(async (offset) => [
        await of(offset),
        await tx`select * from search.ranked(${match}::tsquery, ${steady}::tsquery, ${rest}, ${offset}, 8)`,
      ]),
    );
    return { every: each.map(([every]) => [...every!]), ranked: each.map(([, ranked]) => [...ranked!]) };
  });
}

it('finds by the newest documents what a look at every match finds, with statistics or without', {
  timeout: 120_000,
}, async () => {
  const totals = new Set<number>();
  for (const analyzed of [false, true]) {
    if (analyzed) await db.admin.unsafe('analyze search.documents');
    for (let i = 0; i < 60; i++) {
      const known = [...Object.keys(WORDS), 'grusse', 'freundlich', 'nirgends'];
      const words = [...new Set(Array.from({ length: Math.floor(next() * 3) }, () => pick(known)))];
      const beginning =
        words.length === 0 || next() < 0.6 ? pick(['dr', 'ser', 'netz', 'fr', 'mon', 'xy']) : null;
      const as = {
        customer: next() < 0.2 ? pick(customers) : '',
        only: next() < 0.2 ? some : null,
        types: next() < 0.2 ? ['contact'] : null,
        of: next() < 0.2 ? pick(customers) : null,
        since: next() < 0.2 ? pick(documents).updated_at : null,
        before: next() < 0.2 ? pick(documents).updated_at : null,
        byDate: next() < 0.2,
      };
      const query = asked(words, beginning);
      const { every, ranked } = await pages(query, as);
      expect(ranked, JSON.stringify([query.match, as])).toEqual(every);
      totals.add(every[0]![0]!.total);
    }
  }
  // None, few, and more than are counted.
  expect([totals.has(0), totals.has(CAP + 1), totals.size > 5]).toEqual([true, true, true]);
});

it('asks the index for one half-year alone, and for a beginning no other way', async () => {
  const each = await db.admin.begin(async (tx) => {
    await tx`select set_config('psa.tenant_id', ${tenantId}, true)`;
    await tx.unsafe('set local enable_seqscan = off; set local enable_indexscan = off');
    const [{ slices } = { slices: [] }] = await tx<{ slices: string[] }[]>`select search.slices() as slices`;
    return Promise.all(
      slices.map(async (slice) => {
        const [plan] = await tx<{ 'QUERY PLAN': { Plan: Node }[] }[]>`
          explain (analyze, format json)
          select from search.indexed(search.template($$'dru':*$$, null), ${slice})`;
        return lowest(plan!['QUERY PLAN'][0]!.Plan);
      }),
    );
  });
  const [{ n } = { n: 0 }] = await db.admin<{ n: number }[]>`
    select count(*)::integer as n from search.documents where tenant_id = ${tenantId} and words @@ $$'dru':*$$`;
  // Ten years, of which one has no documents.
  expect(each.length).toBeGreaterThan(15);
  expect(each.map((node) => node['Index Name'])).toEqual(each.map(() => 'documents_sliced'));
  const read = each.map((node) => node['Actual Rows']);
  expect(read.reduce((sum, one) => sum + one, 0)).toBe(n);
  expect(Math.max(...read)).toBeLessThan(n / 5);
});

it('names the half-years between the newest and the oldest document, and of fifty years only those with any', async () => {
  const of = async (...dates: string[]) => {
    const tenant = randomUUID();
    const index = new PostgresSearch({ url: db.urlFor('search') });
    await index.put(dates.map((updated_at) => searchDocument(tenant, { updated_at })));
    await index.close();
    return sql.begin('read only', async (tx) => {
      await tx`select set_config('psa.tenant_id', ${tenant}, true)`;
      const [row] = await tx<{ slices: string[] }[]>`select search.slices() as slices`;
      return row!.slices.map((slice) => [slice.slice(0, 4) === tenant.slice(-4), slice.slice(4)].join(' '));
    });
  };
  expect(await of()).toEqual([]);
  expect(await of('2001-07-01T00:00:00Z', '2002-12-31T23:59:59Z')).toEqual([
    'true 005',
    'true 004',
    'true 003',
  ]);
  // All before 2000 are of one.
  expect(await of('1969-12-31T23:59:59Z', '1999-06-30T00:00:00Z', '2026-11-30T00:00:00Z')).toEqual([
    'true 035',
    'true 000',
  ]);
});

/** What is done first of a plan of one branch. */
const lowest = (node: Node): Node => (node.Plans ? lowest(node.Plans[0]!) : node);

interface Node {
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly Plans?: readonly Node[];
}
