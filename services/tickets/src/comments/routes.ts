import { Closed, IdParams, listQuery, Many, One } from '@psa/contracts/common';
import { Comment, CreateCommentRequest } from '@psa/contracts/tickets';
import { type App, contextOf } from '@psa/service-kit/app';
import { fetchList, type ListParams, type ListSpec, listResponse, parseList } from '@psa/service-kit/list';
import { write } from '@psa/service-kit/write';
import Type from 'typebox';
import { loadTicket } from '../tickets/repository.ts';
import type { TicketDesk } from '../tickets/service.ts';
import { addComment, commentView } from './service.ts';

const SPEC: ListSpec = {
  sortable: { created_at: { sql: 'c.created_at', type: 'timestamptz' } },
  defaultSort: [['created_at', 'asc']],
  fields: ['id', 'ticket_id', 'visibility', 'body', 'author', 'created_at', 'edited_at'],
  id: { sql: 'c.id', type: 'uuid' },
};
const tags = ['tickets'];

export function commentRoutes(app: App, desk: TicketDesk): void {
  const { db } = desk.deps;

  app.get(
    '/api/v1/tickets/:id/comments',
    {
      config: { permission: 'ticket:view:own' },
      schema: {
        summary: 'The conversation of a ticket, oldest first',
        operationId: 'listTicketComments',
        tags,
        params: IdParams,
        querystring: Closed(listQuery),
        response: { 200: Many(Type.Partial(Comment)) },
      },
    },
    async (request) => {
      const ctx = contextOf(request);
      const list = parseList(request.query as ListParams, SPEC);
      return db.read(ctx.scope, async (tx) => {
        const { sql } = tx;
        const [, result] = await Promise.all([
          loadTicket(tx, ctx, request.params.id),
          fetchList<Parameters<typeof commentView>[0] & Record<string, unknown>>(tx, {
            select: sql`c.id, c.ticket_id, c.visibility, c.body, c.author_id, c.author_name, c.author_kind, c.created_at, c.edited_at`,
            from: sql`comments c`,
            where: [
              sql`c.tenant_id = ${ctx.scope.tenant_id} and c.ticket_id = ${request.params.id} and c.deleted_at is null`,
            ],
            request: list,
          }),
        ]);
        return listResponse(list, result, result.rows.map(commentView), request.url);
      });
    },
  );

  app.post(
    '/api/v1/tickets/:id/comments',
    {
      config: { permission: 'ticket:comment' },
      schema: {
        summary: 'Write a public reply or an internal note',
        operationId: 'createTicketComment',
        tags,
        params: IdParams,
        body: CreateCommentRequest,
        response: { 201: One(Comment) },
      },
    },
    async (request, reply) =>
      write(db, request, reply, async (tx, ctx) => ({
        status: 201,
        body: { data: await addComment(desk, tx, ctx, request.params.id, request.body) },
      })),
  );
}
