import { Closed, IdParams, listQuery, Many, One } from '@psa/contracts/common';
import { Comment, CreateCommentRequest } from '@psa/contracts/tickets';
import type { App } from '@psa/service-kit/app';
import type { ListSpec } from '@psa/service-kit/list';
import { checkIfMatch, write } from '@psa/service-kit/write';
import Type from 'typebox';
import type { TicketsDeps } from '../deps.ts';
import { listUnderTicket } from '../tickets/under-ticket.ts';
import { addComment, commentView } from './service.ts';

const SPEC: ListSpec = {
  sortable: { created_at: { sql: 'c.created_at', type: 'timestamptz' } },
  defaultSort: [['created_at', 'asc']],
  fields: ['id', 'ticket_id', 'visibility', 'body', 'author', 'created_at', 'edited_at'],
  id: { sql: 'c.id', type: 'uuid' },
};
const tags = ['tickets'];

export function commentRoutes(app: App, deps: TicketsDeps): void {
  const { db } = deps;

  app.get(
    '/api/v1/tickets/:id/comments',
    {
      config: { permission: 'ticket:view:own', list: SPEC },
      schema: {
        summary: 'The conversation of a ticket, oldest first',
        operationId: 'listTicketComments',
        tags,
        params: IdParams,
        querystring: Closed(listQuery),
        response: { 200: Many(Type.Partial(Comment)) },
      },
    },
    listUnderTicket(deps, {
      spec: SPEC,
      table: 'comments c',
      columns:
        'c.id, c.ticket_id, c.visibility, c.body, c.author_id, c.author_name, c.author_kind, c.created_at, c.edited_at',
      deletable: true,
      view: commentView,
    }),
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
        body: {
          data: await addComment(deps, tx, ctx, request.params.id, request.body, (version) =>
            checkIfMatch(request, version),
          ),
        },
      })),
  );
}
