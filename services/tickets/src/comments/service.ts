import type { Comment, CreateCommentRequest } from '@psa/contracts/tickets';
import { statusAfterCustomerReply } from '@psa/domain/ticket-status';
import { isPortal, type RequestContext } from '@psa/service-kit/context';
import { type Tx, toIso } from '@psa/service-kit/database';
import { invalid } from '@psa/service-kit/errors';
import type { Static } from 'typebox';
import type { TicketsDeps } from '../deps.ts';
import { settingsRevision } from '../desk/settings.ts';
import { checkMayComment } from '../policies/comment.ts';
import { loadTicket } from '../tickets/repository.ts';
import { ticketFacts } from '../tickets/row.ts';
import { decideAndSave, ticketEvent } from '../tickets/service.ts';
import { logTime } from '../time/service.ts';

type CommentView = Static<typeof Comment>;

interface CommentRow {
  id: string;
  ticket_id: string;
  visibility: 'public' | 'internal';
  body: string;
  author_id: string | null;
  author_name: string;
  author_kind: 'staff' | 'customer' | 'system';
  created_at: string;
  edited_at: string | null;
}

export const commentView = (row: CommentRow): CommentView => ({
  id: row.id,
  ticket_id: row.ticket_id,
  visibility: row.visibility,
  body: row.body,
  author: { id: row.author_id, name: row.author_name, kind: row.author_kind },
  created_at: toIso(row.created_at),
  edited_at: toIso(row.edited_at),
});

/**
 * Writes a reply or a note, with the time it took where the request names it. `check` sees the ticket's version first
 * (If-Match): a comment moves the ticket on. A public reply of staff is the first response; a reply of the customer
 * moves a waiting or finished ticket on, unless the request says what the status shall be.
 */
export async function addComment(
  deps: TicketsDeps,
  tx: Tx,
  ctx: RequestContext,
  ticketId: string,
  body: Static<typeof CreateCommentRequest>,
  check: (version: number) => void,
): Promise<CommentView> {
  const visibility = body.visibility ?? 'public';
  if (body.body.trim() === '') throw invalid({ field: 'body', code: 'empty', message: 'must not be empty' });
  checkMayComment(ctx, { ...body, visibility });
  const [ticket, revision] = await Promise.all([
    loadTicket(tx, ctx, ticketId, true),
    settingsRevision(tx, ctx.scope.tenant_id),
  ]);
  check(ticket.version);
  const settings = await deps.settings.at(tx, ctx, revision);
  const now = deps.clock.now().toISOString();
  const row: CommentRow = {
    id: deps.ids.uuid(),
    ticket_id: ticket.id,
    visibility,
    body: body.body,
    author_id: ctx.actor.id,
    author_name: ctx.actor.name ?? ctx.actor.email ?? 'PSA-Platform',
    author_kind: ctx.actor.kind,
    created_at: now,
    edited_at: null,
  };
  const moved =
    isPortal(ctx) && body.status === undefined
      ? statusAfterCustomerReply(ticket.status, ticket.assigned_to !== null)
      : null;
  const status = body.status ?? moved;
  const isPublic = visibility === 'public';
  const { sql } = tx;
  await sql`
    insert into comments (tenant_id, id, ticket_id, customer_id, visibility, body, author_id, author_name, author_kind,
      created_at, updated_at)
    values (${ctx.scope.tenant_id}, ${row.id}, ${ticket.id}, ${ticket.customer_id}, ${visibility}, ${row.body},
      ${row.author_id}, ${row.author_name}, ${row.author_kind}, ${now}, ${now})`;
  await decideAndSave(deps, tx, ctx, ticket, status ? { status } : {}, {
    settings,
    ...(moved ? { moveAs: 'system' as const } : {}),
    columns: {
      comment_count: ticket.comment_count + 1,
      public_comment_count: ticket.public_comment_count + (isPublic ? 1 : 0),
      first_response_at: ticket.first_response_at ?? (isPublic && ctx.actor.kind === 'staff' ? now : null),
    },
    history: [{ kind: 'commented', about: visibility }],
    events: (saved) => [
      ticketEvent(
        'ticket.commented.v1',
        saved,
        { ticket: ticketFacts(saved), comment_id: row.id, visibility, body: row.body },
        isPublic,
      ),
    ],
  });
  // In the same transaction: a reply never stands there without its time, nor the time without its reply.
  if (body.time) await logTime(deps, tx, ctx, ticket.id, body.time, () => {});
  return commentView(row);
}
