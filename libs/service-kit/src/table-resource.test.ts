import { Closed, Nullable, Tag, Uuid } from '@psa/contracts/common';
import { type TestService, testService } from '@psa/test-kit/service';
import Type from 'typebox';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Resource, resourceRoutes } from './resource-routes.ts';
import type { ServiceDefinition } from './service.ts';
import { columnKind, type TableRow, type TableSchemas, tableResource } from './table-resource.ts';

it.each([
  ['text', Type.String(), 'plain'],
  ['a number or nothing', Nullable(Type.Integer()), 'plain'],
  ['a list of texts', Type.Array(Tag), 'text[]'],
  ['a list of ids or nothing', Nullable(Type.Array(Uuid)), 'text[]'],
  ['an object', Type.Object({}), 'json'],
  ['a record that may be left out', Type.Optional(Type.Record(Type.String(), Type.Number())), 'json'],
  ['a list of objects', Type.Array(Type.Object({})), 'json'],
] as const)('a column is chosen by the schema: %s', (_what, schema, kind) => {
  expect(columnKind(schema)).toBe(kind);
});

const fields = { name: Type.String(), colours: Type.Optional(Type.Array(Type.String())) };
const schemas = {
  one: Type.Object({ id: Uuid, ...fields, owner: Type.String(), version: Type.Integer() }),
  create: Closed({ ...fields, shape: Type.Optional(Type.Object({ sides: Type.Integer() })) }),
  update: Closed({ name: Type.Optional(Type.String()), colours: fields.colours }),
} satisfies TableSchemas;

describe('a resource of a table', () => {
  let service: TestService;
  const changes: string[] = [];
  const definition: ServiceDefinition = {
    name: 'crm',
    title: 'Things',
    migrations: new URL('../../../services/crm/src/db/migrations/', import.meta.url),
    uses: [],
    build: (deps) => ({
      routes(app) {
        const things: Resource<TableRow, typeof schemas> = tableResource(deps, {
          path: 'odd-things',
          noun: 'odd thing',
          names: ['OddThing', 'OddThings'],
          permissions: {
            view: 'customer:view',
            create: 'customer:create',
            update: 'customer:update',
            remove: 'customer:delete',
          },
          schemas,
          table: 'odd_things',
          filledIn: ['owner'],
          list: { sortable: { name: { sql: 'r.name', type: 'text' } }, defaultSort: [['name', 'asc']] },
          prepare: async (_tx, ctx, body, before) =>
            before ? body : { ...body, owner: ctx.actor.name ?? 'nobody' },
          changed: async (_tx, _ctx, _id, change) => void changes.push(change),
        });
        resourceRoutes(app, deps, things);
      },
      workers: [],
    }),
  };
  beforeAll(async () => {
    service = await testService(definition);
    await service.db.admin.unsafe(`
      create table crm.odd_things (
        tenant_id uuid not null, id uuid not null, name text not null, colours text[] not null default '{}', shape jsonb,
        owner text not null, version integer not null default 1, updated_at timestamptz, deleted_at timestamptz,
        primary key (tenant_id, id));
      call psa.protect('crm.odd_things', 'tenant');
      grant select, insert, update, delete on crm.odd_things to psa_crm`);
  });
  afterAll(() => service.close());

  it('is created, read, listed, changed and deleted by its schemas, with versions and entity tags', async () => {
    const { call } = service;
    const url = '/api/v1/odd-things';
    const made = await call('POST', url, {
      as: { name: 'Anna' },
      body: { name: 'Würfel', colours: ['rot', 'blau'], shape: { sides: 6 } },
    });
    expect(made.status, made.text).toBe(201);
    const { id } = made.body.data;
    expect(made.headers).toMatchObject({ location: `${url}/${id}`, etag: '"1"' });
    expect(made.body.data).toEqual({
      id,
      name: 'Würfel',
      colours: ['rot', 'blau'],
      owner: 'Anna',
      version: 1,
    });
    expect(await service.db.admin`select shape from crm.odd_things`).toMatchObject([{ shape: { sides: 6 } }]);

    expect((await call('GET', `${url}?fields=name`)).body.data).toEqual([{ id, name: 'Würfel' }]);
    expect((await call('GET', `${url}?fields=shape`)).body.error.details[0].field).toBe('fields');
    const stale = await call('PATCH', `${url}/${id}`, {
      body: { name: 'x' },
      headers: { 'if-match': '"7"' },
    });
    expect(stale.status).toBe(412);
    const changed = await call('PATCH', `${url}/${id}`, { body: { colours: [] } });
    expect(changed.body.data).toMatchObject({ name: 'Würfel', colours: [], owner: 'Anna', version: 2 });
    expect((await call('GET', `${url}/${id}`)).headers.etag).toBe('"2"');
    expect((await call('PATCH', `${url}/${id}`, { body: { owner: 'Eve' } })).status).toBe(400);

    expect((await call('DELETE', `${url}/${id}`)).status).toBe(204);
    expect((await call('GET', `${url}/${id}`)).status).toBe(404);
    expect(changes).toEqual(['created', 'updated', 'deleted']);
  });

  it('belongs to its tenant', async () => {
    const made = await service.call('POST', '/api/v1/odd-things', { body: { name: 'Kugel' } });
    const other = { tid: '0195d000-0000-7000-8000-0000000000ff' };
    const seen = await service.call('GET', `/api/v1/odd-things/${made.body.data.id}`, { as: other });
    expect(seen.status).toBe(404);
  });
});
