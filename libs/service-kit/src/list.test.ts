import { type TestDatabase, testDatabase } from '@psa/test-kit/database';
import fc from 'fast-check';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchList, type ListParams, type ListSpec, listResponse, parseList } from './list.ts';

const spec: ListSpec = {
  sortable: {
    created_at: { sql: 't.created_at', type: 'timestamptz' },
    name: { sql: 't.name', type: 'text' },
    rank: { sql: 't.rank', type: 'integer', nullable: true },
    due: { sql: 't.rank', type: 'integer', nullable: true, nullsLast: true },
    known: { sql: 't.name', type: 'text', column: 'name' },
  },
  defaultSort: [['created_at', 'desc']],
  fields: ['id', 'name', 'rank'],
  includes: ['owner'],
  id: { sql: 't.id', type: 'uuid' },
};

const details = (params: ListParams) => {
  try {
    parseList(params, spec);
    return [];
  } catch (error) {
    return (error as { details: { field: string }[] }).details.map((detail) => detail.field);
  }
};

describe('parseList', () => {
  it('fills in page 1, 20 rows and the default order with the id as tie-breaker', () => {
    const request = parseList({}, spec);
    expect([request.page, request.limit]).toEqual([1, 20]);
    expect(request.sort.map((key) => [key.name, key.direction])).toEqual([
      ['created_at', 'desc'],
      ['id', 'desc'],
    ]);
  });

  it('names every bad parameter at once', () => {
    expect(details({ sort: 'nope', fields: 'secret', include: 'x', page: 100_000, limit: 100 })).toEqual([
      'sort',
      'fields',
      'include',
      'page',
    ]);
  });

  it('refuses a cursor of another order, and garbage', () => {
    expect(details({ cursor: 'garbage' })).toEqual(['cursor']);
    expect(details({ cursor: Buffer.from('["name:asc,id:asc","a","b"]').toString('base64url') })).toEqual([
      'cursor',
    ]);
  });

  it('never throws anything but the error that names the parameter, whatever the text', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (cursor, sort) => {
        expect(['cursor', 'sort']).toEqual(expect.arrayContaining(details({ cursor, sort })));
      }),
    );
  });
});

describe('fetchList', () => {
  let db: TestDatabase;
  const rows: { id: string; name: string; rank: number | null }[] = [];

  beforeAll(async () => {
    db = await testDatabase();
    await db.admin.unsafe(
      `create schema list_test; create table list_test.t (id uuid primary key, name text not null, rank integer, created_at timestamptz not null)`,
    );
    for (let i = 0; i < 47; i++) {
      const row = {
        id: `0195d7a0-0000-7000-8000-${String(i).padStart(12, '0')}`,
        name: `n${i % 5}`,
        rank: i % 7 === 0 ? null : i % 3,
      };
      rows.push(row);
      await db.admin`insert into list_test.t values (${row.id}, ${row.name}, ${row.rank}, ${new Date(1_700_000_000_000 + (i % 6) * 1000)})`;
    }
  });
  afterAll(() => db.drop());

  const fetch = (params: ListParams) => {
    const request = parseList(params, spec);
    return db.admin
      .begin(async (sql) => {
        const tx = {
          ...{ sql, orm: null as never, send: () => {}, afterCommit: () => {} },
          last: () => Promise.reject(new Error('more is asked')),
        };
        return fetchList<{ id: string }>(tx, {
          select: sql`t.id, t.name, t.rank`,
          from: sql`list_test.t t`,
          where: [],
          request,
        });
      })
      .then((result) => ({ request, result }));
  };

  it.each([
    ['one direction', { sort: 'name,created_at', order: 'asc' }],
    ['mixed directions', { sort: 'name,created_at', order: 'desc,asc' }],
    ['nulls ascending', { sort: 'rank,name', order: 'asc,desc' }],
    ['nulls descending', { sort: 'rank', order: 'desc' }],
    ['nulls last, ascending', { sort: 'due', order: 'asc' }],
    ['nulls last, descending', { sort: 'due', order: 'desc' }],
    ['nulls last, descending, in mixed directions', { sort: 'due,name', order: 'desc,asc' }],
    ['nulls last in the second place', { sort: 'name,due', order: 'asc,desc' }],
    ['the cursor from the row itself', { sort: 'known', order: 'asc' }],
    ['the default order', {}],
  ])('by cursor: walks every row exactly once in the order of the pages: %s', async (_name, params) => {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const { result } = await fetch({ ...params, limit: 7, ...(cursor ? { cursor } : {}) });
      seen.push(...result.rows.map((row) => row.id));
      cursor = result.nextCursor ?? undefined;
    } while (cursor);
    const { result: whole } = await fetch({ ...params, limit: 100 });
    expect(seen).toEqual(whole.rows.map((row) => row.id));
    expect(new Set(seen).size).toBe(rows.length);
  });

  it.each(['asc', 'desc'])('keeps what is null at the end, %s, by page and by cursor', async (order) => {
    const plain = await db.admin.unsafe<{ id: string }[]>(
      `select id from list_test.t order by rank ${order} nulls last, id ${order}`,
    );
    const expected = plain.map((row) => row.id);
    const byPage: string[] = [];
    for (let page = 1; page <= 8; page++) {
      const { result } = await fetch({ sort: 'due', order, limit: 6, page });
      byPage.push(...result.rows.map((row) => row.id));
    }
    expect(byPage).toEqual(expected);
    const byCursor: string[] = [];
    let cursor: string | undefined;
    do {
      const { result } = await fetch({ sort: 'due', order, limit: 6, ...(cursor ? { cursor } : {}) });
      byCursor.push(...result.rows.map((row) => row.id));
      cursor = result.nextCursor ?? undefined;
    } while (cursor);
    expect(byCursor).toEqual(expected);
  });

  it('reads the last due first by the index of the ascending order, without sorting the table', async () => {
    await db.admin.unsafe(`
      create table list_test.many (id uuid primary key, due timestamptz);
      insert into list_test.many
        select gen_random_uuid(), case when i % 30 = 0 then now() - interval '1 minute' * i end
        from generate_series(1, 20000) i;
      create index many_due on list_test.many (due, id);
      analyze list_test.many`);
    const due = { sql: 't.due', type: 'timestamptz', nullable: true, nullsLast: true } as const;
    const many = {
      ...spec,
      sortable: { due },
      defaultSort: [['due', 'desc']],
      id: { ...spec.id!, column: 'id' },
    } as const;
    const statements: string[] = [];
    const watched = postgres(db.adminUrl, {
      max: 1,
      debug: (_connection, text) => void statements.push(text),
    });
    await watched.begin((sql) => {
      const tx = { sql, orm: null as never, send: () => {}, last: null as never, afterCommit: () => {} };
      const request = parseList({ limit: 20, count: 'none' }, many);
      return fetchList(tx, { select: sql`t.id`, from: sql`list_test.many t`, where: [], request });
    });
    await watched.end();
    const asked = statements.find((text) => text.includes('list_test.many'))!;
    const plan = (await db.admin.unsafe(`explain ${asked}`)).map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toMatch(/Index (Only )?Scan Backward using many_due/);
    expect(plan).not.toMatch(/Sort/);
  });

  it('answers with data, meta and links', async () => {
    const { request, result } = await fetch({ limit: 10, page: 2, fields: 'name' });
    const answer = listResponse(
      request,
      result,
      result.rows as { id: string }[],
      '/api/v1/things?limit=10&page=2&fields=name',
    );
    expect(answer.data).toHaveLength(10);
    expect(Object.keys(answer.data[0]!).sort()).toEqual(['id', 'name']);
    expect(answer.meta).toMatchObject({
      page: 2,
      limit: 10,
      total: 47,
      total_relation: 'eq',
      total_pages: 5,
    });
    expect(answer.links).toEqual({
      self: '/api/v1/things?limit=10&page=2&fields=name',
      next: '/api/v1/things?limit=10&page=3&fields=name',
      prev: '/api/v1/things?limit=10&page=1&fields=name',
      first: '/api/v1/things?limit=10&page=1&fields=name',
      last: '/api/v1/things?limit=10&page=5&fields=name',
    });
  });

  it('an empty page is an empty page', async () => {
    const { result } = await fetch({ page: 99 });
    expect(result.rows).toEqual([]);
    expect(result.nextCursor).toBeNull();
  });
});
