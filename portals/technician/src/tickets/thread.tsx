import type { Attachment, Comment } from '@psa/app/api/types';
import { QueryFailure } from '@psa/app/components/error-state';
import { commentsQuery } from '@psa/app/tickets';
import { Avatar } from '@psa/ui/components/avatar';
import { Button } from '@psa/ui/components/button';
import { Badge } from '@psa/ui/components/pill';
import { PlainText } from '@psa/ui/components/plain-text';
import { Skeleton } from '@psa/ui/components/states';
import { useFormats } from '@psa/ui/i18n/format';
import { useInfiniteQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { messages } from '../i18n/ticket-messages.ts';
import { AttachmentList } from './attachment-list.tsx';

/** The conversation, oldest first; long ones begin with their last fifty messages. */
export function Thread({
  id,
  attachments,
  opening,
}: {
  id: string;
  attachments: readonly Attachment[];
  opening: ReactNode;
}) {
  const t = messages.useT();
  const comments = useInfiniteQuery(commentsQuery(id));
  const list = (comments.data?.pages ?? []).toReversed().flatMap((page) => page.data.toReversed());
  return (
    <section aria-label={t('thread.title')} className="stack">
      <h2 className="visually-hidden">{t('thread.title')}</h2>
      {opening}
      {comments.hasNextPage && (
        <Button isPending={comments.isFetchingNextPage} onPress={() => void comments.fetchNextPage()}>
          {t('thread.older')}
        </Button>
      )}
      {comments.isPending && (
        <div className="message" aria-busy="true">
          <Skeleton lines={3} />
        </div>
      )}
      <QueryFailure query={comments} />
      <ol className="thread">
        {list.map((comment) => (
          <li key={comment.id}>
            <Message comment={comment} files={attachments.filter((file) => file.comment_id === comment.id)} />
          </li>
        ))}
      </ol>
      {comments.isSuccess && list.length === 0 && <p className="muted">{t('thread.empty')}</p>}
    </section>
  );
}

function Message({ comment, files }: { comment: Comment; files: readonly Attachment[] }) {
  const t = messages.useT();
  const formats = useFormats();
  const internal = comment.visibility === 'internal';
  return (
    <article
      className={`message${internal ? ' message-internal' : comment.author.kind === 'customer' ? ' message-customer' : ''}`}
      aria-label={`${t(internal ? 'thread.internal' : 'thread.public')}: ${comment.author.name}`}
    >
      <header className="message-head">
        <Avatar name={comment.author.name} />
        <strong>{comment.author.name}</strong>
        {internal ? (
          <Badge tone="warn" icon="lock">
            {t('thread.internal')}
          </Badge>
        ) : (
          <span className="muted">{t(`thread.${comment.author.kind}`)}</span>
        )}
        <span className="spacer" />
        <time className="muted" dateTime={comment.created_at} title={formats.dateTime(comment.created_at)}>
          {formats.relative(comment.created_at)}
        </time>
        {comment.edited_at && <span className="muted">({t('thread.edited')})</span>}
      </header>
      <PlainText>{comment.body}</PlainText>
      <AttachmentList files={files} />
    </article>
  );
}
