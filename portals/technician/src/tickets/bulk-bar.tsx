import type { BulkChanges, BulkResult, Priority, TicketStatus } from '@psa/app/api/types';
import { Link } from '@psa/app/router';
import { may, useMe } from '@psa/app/session/session';
import { useTellError } from '@psa/app/use-tell-error';
import { readTags } from '@psa/contracts/tags';
import { Button } from '@psa/ui/components/button';
import { Dialog } from '@psa/ui/components/dialog';
import { TextField } from '@psa/ui/components/text-field';
import { useHotkeys } from '@psa/ui/hooks/use-hotkeys';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { showToast } from '@psa/ui/toast-store';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { bulkChange, type TicketRow } from '../api/tickets.ts';
import { Picker } from '../components/picker.tsx';
import { messages } from '../i18n/list-messages.ts';
import { messages as ticketMessages } from '../i18n/ticket-messages.ts';
import { NOBODY, useAssigneeOptions, usePriorityOptions, useStatusOptions } from './choices.ts';

type Asking = 'status' | 'priority' | 'assign' | 'tags' | null;

export interface BulkBarProps {
  selected: ReadonlySet<string>;
  onClear: () => void;
  /** Selects the row under the cursor when nothing is selected yet. */
  selectActive: () => void;
  /** After a change, with the ids that were changed. */
  onChanged: (ids: readonly string[]) => void;
  rowOf: (id: string) => TicketRow | undefined;
}

/** Actions for the selected tickets; `s`, `p`, `a`, `t` work for the row under the cursor as well. */
export function BulkBar({ selected, onClear, selectActive, onChanged, rowOf }: BulkBarProps) {
  const t = messages.useT();
  const u = uiMessages.useT();
  const me = useMe();
  const tellError = useTellError();
  const [asking, setAsking] = useState<Asking>(null);
  const [failed, setFailed] = useState<BulkResult['failed']>([]);
  const statuses = useStatusOptions();
  const priorities = usePriorityOptions();
  const people = useAssigneeOptions();
  const update = may(me, 'ticket:update');
  const assign = update && may(me, 'ticket:assign');

  const change = useMutation({
    mutationFn: (changes: BulkChanges) => bulkChange([...selected], changes),
    onSuccess: (result) => {
      if (result.updated.length > 0) showToast('ok', t('bulk.done', { count: result.updated.length }));
      setFailed(result.failed);
      onChanged(result.updated);
      // What failed stays selected, so that it can be tried otherwise.
      if (result.failed.length === 0) onClear();
    },
    onError: tellError,
  });
  const ask = (what: Asking) => {
    if (selected.size === 0) selectActive();
    setAsking(what);
  };
  useHotkeys([
    { keys: 's', label: t('bulk.status'), run: () => ask('status'), enabled: update },
    { keys: 'p', label: t('bulk.priority'), run: () => ask('priority'), enabled: update },
    { keys: 'a', label: t('bulk.assign'), run: () => ask('assign'), enabled: assign },
    { keys: 't', label: t('bulk.tags'), run: () => ask('tags'), enabled: update },
    { keys: 'esc', run: onClear, enabled: selected.size > 0 },
  ]);
  const close = () => setAsking(null);
  const pick = (changes: BulkChanges) => {
    if (selected.size > 0) change.mutate(changes);
  };

  return (
    <>
      {selected.size > 0 && (
        <section className="bulk-bar" aria-label={t('bulk.bar')}>
          <strong role="status">{u('list.selected', { count: selected.size })}</strong>
          {update && (
            <>
              <Button isPending={change.isPending} onPress={() => setAsking('status')}>
                {t('bulk.status')}
              </Button>
              <Button isDisabled={change.isPending} onPress={() => setAsking('priority')}>
                {t('bulk.priority')}
              </Button>
            </>
          )}
          {assign && (
            <>
              <Button isDisabled={change.isPending} onPress={() => setAsking('assign')}>
                {t('bulk.assign')}
              </Button>
              <Button isDisabled={change.isPending} onPress={() => pick({ assigned_to: me.id })}>
                {t('bulk.take')}
              </Button>
            </>
          )}
          {update && (
            <Button isDisabled={change.isPending} onPress={() => setAsking('tags')}>
              {t('bulk.tags')}
            </Button>
          )}
          <Button kind="quiet" onPress={onClear}>
            {u('action.clear')}
          </Button>
        </section>
      )}
      {asking === 'status' && (
        <Picker
          title={t('bulk.status')}
          options={statuses}
          onPick={(id) => pick({ status: id as TicketStatus })}
          onClose={close}
        />
      )}
      {asking === 'priority' && (
        <Picker
          title={t('bulk.priority')}
          options={priorities}
          onPick={(id) => pick({ priority: id as Priority })}
          onClose={close}
        />
      )}
      {asking === 'assign' && (
        <Picker
          title={t('bulk.assign')}
          options={people}
          onPick={(id) => pick({ assigned_to: id === NOBODY ? null : id })}
          onClose={close}
        />
      )}
      {asking === 'tags' && (
        <TagsDialog
          onClose={close}
          onApply={(add_tags) => {
            close();
            pick({ add_tags });
          }}
        />
      )}
      <Dialog title={t('bulk.failed_title')} isOpen={failed.length > 0} onClose={() => setFailed([])}>
        <p>{t('bulk.failed', { count: failed.length })}</p>
        <ul className="plain-list">
          {failed.map(({ id, code }) => {
            const row = rowOf(id);
            return (
              <li key={id}>
                <Link to={`/tickets/${id}`}>{row ? `#${row.ticket_number} ${row.title}` : id}</Link>
                <div className="muted">{t(`bulk.why.${isKnown(code) ? code : 'OTHER'}`)}</div>
              </li>
            );
          })}
        </ul>
      </Dialog>
    </>
  );
}

const KNOWN = [
  'TRANSITION_FORBIDDEN',
  'PERMISSION_DENIED',
  'RESOURCE_NOT_FOUND',
  'VERSION_CONFLICT',
  'NOT_SENT',
] as const;
const isKnown = (code: string): code is (typeof KNOWN)[number] => (KNOWN as readonly string[]).includes(code);

function TagsDialog(props: { onClose: () => void; onApply: (tags: string[]) => void }) {
  const t = messages.useT();
  const tt = ticketMessages.useT();
  const u = uiMessages.useT();
  const [text, setText] = useState('');
  const tags = readTags(text);
  function submit(event: FormEvent): void {
    event.preventDefault();
    if (tags.length > 0) props.onApply(tags.slice(0, 10));
  }
  return (
    <Dialog
      title={t('bulk.tags')}
      isOpen
      onClose={props.onClose}
      footer={
        <>
          <Button onPress={props.onClose}>{u('action.cancel')}</Button>
          <Button type="submit" form="bulk-tags" kind="primary" isDisabled={tags.length === 0}>
            {t('bulk.apply')}
          </Button>
        </>
      }
    >
      <form id="bulk-tags" onSubmit={submit} noValidate>
        <TextField
          autoFocus
          label={tt('ticket.tags')}
          hint={tt('ticket.tags_hint')}
          value={text}
          onChange={setText}
        />
      </form>
    </Dialog>
  );
}
