import type { Attachment, Ticket } from '@psa/app/api/types';
import { QueryFailure } from '@psa/app/components/error-state';
import { useMe } from '@psa/app/session/session';
import { attachmentsQuery, commentsQuery } from '@psa/app/tickets';
import { useOpener } from '@psa/app/use-opener';
import { Avatar } from '@psa/ui/components/avatar';
import { Button } from '@psa/ui/components/button';
import { PlainText } from '@psa/ui/components/plain-text';
import { useFormats } from '@psa/ui/i18n/format';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { messages } from '../i18n/messages.ts';
import { Loading } from '../pages/loading.tsx';
import { FileLinks } from './file-links.tsx';
import { buildThread } from './thread.ts';

/** The request and everything that was written about it, oldest first. */
export function Conversation({ ticket }: { ticket: Ticket }) {
  const t = messages.useT();
  const me = useMe();
  const comments = useInfiniteQuery(commentsQuery(ticket.id));
  const attachments = useQuery(attachmentsQuery(ticket.id));
  const thread = buildThread(comments.data?.pages.map((page) => page.data) ?? [], attachments.data ?? []);
  const { entrant, beneficiary } = useOpener(ticket);
  const nameOf = ({ id, name }: { id: string; name: string }) => (id === me.id ? t('ticket.you') : name);
  const opening =
    entrant && beneficiary
      ? t('ticket.entered_for', { by: nameOf(entrant), name: nameOf(beneficiary) })
      : beneficiary
        ? t('ticket.opened_for', { name: nameOf(beneficiary) })
        : entrant
          ? nameOf(entrant)
          : t('ticket.asked');
  return (
    <section className="conversation" aria-label={t('ticket.conversation')}>
      <Bubble
        name={opening}
        avatar={(entrant ?? beneficiary)?.name ?? opening}
        mine={entrant?.id === me.id}
        at={ticket.created_at}
        body={ticket.description}
        files={thread.opening}
      />
      {comments.hasNextPage && (
        <div className="list-more">
          <Button isPending={comments.isFetchingNextPage} onPress={() => void comments.fetchNextPage()}>
            {t('ticket.older')}
          </Button>
        </div>
      )}
      <QueryFailure query={comments} />
      {comments.isPending ? (
        <Loading lines={3} />
      ) : comments.isError && !comments.data ? null : (
        <div role="log" aria-label={t('ticket.conversation')} className="messages">
          {thread.messages.length === 0 && <p className="muted">{t('ticket.no_messages')}</p>}
          {thread.messages.map(({ comment, files }) => {
            const { author } = comment;
            const mine = author.id !== null && author.id === me.id;
            return (
              <Bubble
                key={comment.id}
                name={mine ? t('ticket.you') : author.kind === 'system' ? t('ticket.system') : author.name}
                avatar={author.name}
                badge={author.kind === 'staff' ? t('ticket.support') : null}
                mine={mine}
                at={comment.created_at}
                edited={comment.edited_at !== null}
                body={comment.body}
                files={files}
              />
            );
          })}
        </div>
      )}
    </section>
  );
}

function Bubble(props: {
  name: string;
  avatar: string;
  badge?: string | null;
  mine: boolean;
  at: string;
  edited?: boolean;
  body: string;
  files: readonly Attachment[];
}) {
  const t = messages.useT();
  const formats = useFormats();
  return (
    <article className="bubble" tabIndex={-1} data-mine={props.mine || undefined}>
      <header className="bubble-head">
        <Avatar name={props.avatar} />
        <strong>{props.name}</strong>
        {props.badge && <span className="pill tone-info">{props.badge}</span>}
        <span className="spacer" />
        <time className="muted num" dateTime={props.at}>
          {formats.dateTime(props.at)}
        </time>
        {props.edited && <span className="muted">{t('ticket.edited')}</span>}
      </header>
      <PlainText>{props.body}</PlainText>
      <FileLinks files={props.files} />
    </article>
  );
}
