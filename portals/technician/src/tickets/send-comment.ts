import { ApiError } from '@psa/app/api/error';
import type { Comment, NewComment, Tagged, Ticket } from '@psa/app/api/types';
import { addComment } from '@psa/app/tickets';
import type { QueryClient } from '@tanstack/react-query';
import { ticketQuery } from '../api/tickets.ts';
import { differences } from './conflict.ts';

/**
 * Sends a comment. One that moves the ticket on says on which state it was written (If-Match), so that no ticket is
 * resolved over a message that nobody has read. What moved on without anybody writing or changing anything (a booked
 * time, a file) is no reason to ask.
 * @throws ApiError 412 when somebody wrote or changed something meanwhile; the ticket is read anew then
 */
export async function sendComment(
  queries: QueryClient,
  shown: Tagged<Ticket>,
  comment: NewComment,
  key: string,
): Promise<Comment> {
  const { id } = shown.data;
  if (!comment.status) return addComment(id, comment, key);
  try {
    return await addComment(id, comment, key, shown.etag);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 412) throw error;
    const newest = await queries.fetchQuery({ ...ticketQuery(id), staleTime: 0 });
    const isOther =
      newest.data.comment_count !== shown.data.comment_count ||
      differences(shown.data, newest.data).length > 0;
    if (isOther) {
      void queries.invalidateQueries({ queryKey: ['ticket', id] });
      throw error;
    }
    return addComment(id, comment, key, newest.etag);
  }
}
