import type { Attachment, Comment } from '@psa/app/api/types';

/** A message with the files that came with it. */
export interface Message {
  comment: Comment;
  files: Attachment[];
}

/**
 * The conversation in the order of time. `opening` are the files of the ticket itself. `pages` come newest first,
 * as they were loaded; a comment that moved from one page into the next while loading stands once.
 */
export function buildThread(
  pages: readonly (readonly Comment[])[],
  attachments: readonly Attachment[],
): { opening: Attachment[]; messages: Message[] } {
  const filesOf = Map.groupBy(attachments, (file) => file.comment_id);
  const comments = new Map<string, Comment>();
  for (const comment of pages.flat()) comments.set(comment.id, comment);
  const messages = [...comments.values()]
    .filter((comment) => comment.visibility === 'public')
    .sort((a, b) => a.created_at.localeCompare(b.created_at) || a.id.localeCompare(b.id))
    .map((comment) => ({ comment, files: filesOf.get(comment.id) ?? [] }));
  return { opening: filesOf.get(null) ?? [], messages };
}
