import { Closed, IdParams, listQuery, Many, One } from '@psa/contracts/common';
import { Technician, UpdateTechnicianRequest } from '@psa/contracts/desk';
import { normalTags } from '@psa/contracts/tags';
import { type App, contextOf } from '@psa/service-kit/app';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { notFound } from '@psa/service-kit/errors';
import { fetchList, type ListParams, type ListSpec, listResponse, parseList } from '@psa/service-kit/list';
import { emit } from '@psa/service-kit/outbox';
import { checkIfMatch, etag, write } from '@psa/service-kit/write';
import Type, { type Static } from 'typebox';
import type { TicketsDeps } from '../deps.ts';

type View = Static<typeof Technician>;

const SPEC: ListSpec = {
  sortable: { name: { sql: 'r.name', type: 'text' } },
  defaultSort: [['name', 'asc']],
  fields: Object.keys(Technician.properties),
  id: { sql: 'r.id', type: 'uuid' },
};
const COLUMNS = `r.id, r.name, r.active, r.available, r.skills, r.max_open, r.version,
  (select count(*)::int from tickets t where t.tenant_id = r.tenant_id and t.assigned_to = r.id
    and t.deleted_at is null and t.status in ('new', 'assigned', 'in_progress', 'waiting_customer')) as open_tickets`;
const tags = ['desk'];

async function load(tx: Tx, ctx: RequestContext, id: string): Promise<View> {
  const [row] = await tx.sql<View[]>`
    select ${tx.sql.unsafe(COLUMNS)} from technicians r
    where r.tenant_id = ${ctx.scope.tenant_id} and r.id = ${id} and r.deleted_at is null`;
  if (!row) throw notFound('technician');
  return row;
}

/** Technicians come from user events; the desk adds skills, availability and a limit. */
export function technicianRoutes(app: App, deps: TicketsDeps): void {
  const { db } = deps;
  app.get(
    '/api/v1/technicians',
    {
      config: { permission: 'desk:view', list: SPEC },
      schema: {
        summary: 'List technicians with their skills and load',
        operationId: 'listTechnicians',
        tags,
        querystring: Closed(listQuery),
        response: { 200: Many(Type.Partial(Technician)) },
      },
    },
    async (request) => {
      const ctx = contextOf(request);
      const list = parseList(request.query as ListParams, SPEC);
      return db.read(ctx.scope, async (tx) => {
        const result = await fetchList<View>(tx, {
          select: tx.sql`${tx.sql.unsafe(COLUMNS)}`,
          from: tx.sql`technicians r`,
          where: [tx.sql`r.tenant_id = ${ctx.scope.tenant_id} and r.deleted_at is null`],
          request: list,
        });
        return listResponse(list, result, result.rows, request.url);
      });
    },
  );

  app.get(
    '/api/v1/technicians/:id',
    {
      config: { permission: 'desk:view' },
      schema: {
        summary: 'One technician',
        operationId: 'getTechnician',
        tags,
        params: IdParams,
        response: { 200: One(Technician) },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(request);
      const technician = await db.read(ctx.scope, (tx) => load(tx, ctx, request.params.id));
      reply.header('etag', etag(technician.version));
      return { data: technician };
    },
  );

  app.patch(
    '/api/v1/technicians/:id',
    {
      config: { permission: 'desk:manage' },
      schema: {
        summary: 'Set skills, availability and the limit of open tickets',
        operationId: 'updateTechnician',
        tags,
        params: IdParams,
        body: UpdateTechnicianRequest,
        response: { 200: One(Technician) },
      },
    },
    async (request, reply) =>
      write(db, request, reply, async (tx, ctx) => {
        const { id } = request.params;
        const { available, skills, max_open } = request.body;
        const [before] = await tx.sql<{ version: number }[]>`
          select version from technicians
          where tenant_id = ${ctx.scope.tenant_id} and id = ${id} and deleted_at is null for update`;
        if (!before) throw notFound('technician');
        checkIfMatch(request, before.version);
        await tx.sql`
          update technicians set available = coalesce(${available ?? null}, available),
            skills = coalesce(${skills ? normalTags(skills) : null}::text[], skills),
            max_open = coalesce(${max_open ?? null}, max_open), version = version + 1,
            updated_at = ${deps.clock.now().toISOString()}
          where tenant_id = ${ctx.scope.tenant_id} and id = ${id}`;
        await emit(deps, tx, ctx, [
          {
            type: 'desk.changed.v1',
            aggregate: { type: 'technician', id },
            data: { object: 'technician', id, change: 'updated' },
            public: false,
          },
        ]);
        const row = await load(tx, ctx, id);
        return { status: 200, body: { data: row }, headers: { etag: etag(row.version) } };
      }),
  );
}
