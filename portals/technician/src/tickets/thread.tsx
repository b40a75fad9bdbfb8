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
import { type ReactNode, type RefObject, useEffect, useLayoutEffect, useRef } from 'react';
import { messages } from '../i18n/ticket-messages.ts';
import { AttachmentList } from './attachment-list.tsx';

/** How far above what is seen older messages are asked for: they are there before one comes to them. */
const AHEAD = '800px 0px 0px 0px';

export interface ThreadProps {
  id: string;
  attachments: readonly Attachment[];
  opening: ReactNode;
  scroller: RefObject<HTMLElement | null>;
}

/**
 * The conversation in a scroller of its own, the newest message at its end and in sight. Only the newest are asked for;
 * older ones come as one scrolls up. The scroller is laid out from its end (`column-reverse`), so what is added above
 * what is read moves nothing, and what is written stays in sight.
 */
export function Thread({ id, attachments, opening, scroller }: ThreadProps) {
  const t = messages.useT();
  const comments = useInfiniteQuery(commentsQuery(id));
  const list = (comments.data?.pages ?? []).toReversed().flatMap((page) => page.data.toReversed());
  const { hasNextPage, isFetchingNextPage, isError, fetchNextPage } = comments;
  const older = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const mark = older.current;
    // After a failure the button asks again, not the scrolling.
    if (!mark || !hasNextPage || isFetchingNextPage || isError) return;
    const observer = new IntersectionObserver(
      (entries) => entries.some(({ isIntersecting }) => isIntersecting) && void fetchNextPage(),
      { root: scroller.current, rootMargin: AHEAD },
    );
    observer.observe(mark);
    return () => observer.disconnect();
  }, [hasNextPage, isFetchingNextPage, isError, fetchNextPage, scroller]);
  useHeldPlace(scroller, list.at(-1)?.id ?? null);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <section ref={scroller} aria-label={t('thread.title')} className="thread-scroll" tabIndex={0}>
      <div className="thread-content">
        <h2 className="visually-hidden">{t('thread.title')}</h2>
        {opening}
        {hasNextPage && (
          <div ref={older} className="thread-older">
            <Button isPending={isFetchingNextPage} onPress={() => void fetchNextPage()}>
              {t('thread.older')}
            </Button>
          </div>
        )}
        {comments.isPending && (
          <div className="message" aria-busy="true">
            <Skeleton lines={3} />
          </div>
        )}
        <QueryFailure query={comments} />
        <ol className="thread">
          {list.map((comment) => (
            <li key={comment.id} data-id={comment.id}>
              <Message
                comment={comment}
                files={attachments.filter((file) => file.comment_id === comment.id)}
              />
            </li>
          ))}
        </ol>
        {comments.isSuccess && list.length === 0 && <p className="muted">{t('thread.empty')}</p>}
      </div>
    </section>
  );
}

/** So near to the end that one reads along: what is written next comes into sight. */
const READS_ALONG = 40;

/** Who has scrolled up stays at what they read when something is written at the end; who has not sees it. */
function useHeldPlace(scroller: RefObject<HTMLElement | null>, newest: string | null): void {
  const before = useRef(newest);
  useLayoutEffect(() => {
    const last = before.current;
    before.current = newest;
    const frame = scroller.current;
    if (!frame || last === null || last === newest || frame.scrollTop > -READS_ALONG) return;
    const items = [...frame.querySelectorAll<HTMLElement>('.thread > li')];
    const bottomOf = (item: HTMLElement | undefined) => item?.getBoundingClientRect().bottom ?? 0;
    const old = items.find((item) => item.dataset.id === last);
    if (old) frame.scrollTop -= bottomOf(items.at(-1)) - bottomOf(old);
  }, [newest, scroller]);
}

function Message({ comment, files }: { comment: Comment; files: readonly Attachment[] }) {
  const t = messages.useT();
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
        <Moment at={comment.created_at} />
        {comment.edited_at && <span className="muted">({t('thread.edited')})</span>}
      </header>
      <PlainText>{comment.body}</PlainText>
      <AttachmentList files={files} />
    </article>
  );
}

/** When something was, by the clock; how long ago, and the whole date, when one asks. */
export function Moment({ at }: { at: string }) {
  const formats = useFormats();
  return (
    <time className="muted num" dateTime={at} title={`${formats.relative(at)} · ${formats.dateTime(at)}`}>
      {formats.moment(at)}
    </time>
  );
}
