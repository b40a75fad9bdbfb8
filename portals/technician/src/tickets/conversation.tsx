import type { Tagged, Ticket } from '@psa/app/api/types';
import { may, useMe } from '@psa/app/session/session';
import { attachmentsQuery } from '@psa/app/tickets';
import { useOpener } from '@psa/app/use-opener';
import { Avatar } from '@psa/ui/components/avatar';
import { Button, IconButton } from '@psa/ui/components/button';
import { PlainText } from '@psa/ui/components/plain-text';
import { TextArea } from '@psa/ui/components/text-field';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { useQuery } from '@tanstack/react-query';
import type { RefObject } from 'react';
import { messages } from '../i18n/ticket-messages.ts';
import { AttachmentList } from './attachment-list.tsx';
import { Moment, Thread } from './thread.tsx';
import { useTextEditor } from './use-text-editor.ts';
import type { TicketChange } from './use-ticket-change.ts';

/** The ticket's description and what was written since. */
export function Conversation({
  tagged,
  save,
  scroller,
}: {
  tagged: Tagged<Ticket>;
  save: TicketChange;
  scroller: RefObject<HTMLElement | null>;
}) {
  const t = messages.useT();
  const u = uiMessages.useT();
  const me = useMe();
  const ticket = tagged.data;
  const { data: attachments = [] } = useQuery(attachmentsQuery(ticket.id));
  const editor = useTextEditor('description', tagged, save);
  const { entrant, beneficiary } = useOpener(ticket);
  const files = attachments.filter((file) => file.comment_id === null);
  return (
    <Thread
      id={ticket.id}
      attachments={attachments}
      scroller={scroller}
      opening={
        <article className="message" aria-label={t('ticket.description')}>
          <header className="message-head">
            <Avatar name={(entrant ?? beneficiary)?.name ?? '?'} />
            <strong>
              {entrant && beneficiary
                ? t('ticket.entered_for', { by: entrant.name, name: beneficiary.name })
                : entrant
                  ? t('ticket.opened_by', { name: entrant.name })
                  : beneficiary
                    ? t('ticket.opened_for', { name: beneficiary.name })
                    : t('ticket.opened')}
            </strong>
            <span className="spacer" />
            <Moment at={ticket.created_at} />
            {may(me, 'ticket:update') && !editor.base && (
              <IconButton icon="write" label={t('ticket.description_edit')} onPress={editor.start} />
            )}
          </header>
          {editor.base ? (
            <div className="stack">
              <TextArea
                autoFocus
                label={t('ticket.description')}
                hideLabel
                maxLength={50_000}
                value={editor.text}
                onChange={editor.change}
              />
              <div className="row">
                <Button kind="primary" isDisabled={editor.text.trim() === ''} onPress={editor.submit}>
                  {u('action.save')}
                </Button>
                <Button onPress={editor.end}>{u('action.cancel')}</Button>
              </div>
            </div>
          ) : (
            <PlainText>{save.pending?.description ?? ticket.description}</PlainText>
          )}
          <AttachmentList files={files} />
        </article>
      }
    />
  );
}
