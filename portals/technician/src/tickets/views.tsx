import { useNavigate } from '@psa/app/router';
import { useMe } from '@psa/app/session/session';
import { useTellError } from '@psa/app/use-tell-error';
import { Button, IconButton } from '@psa/ui/components/button';
import { Checkbox } from '@psa/ui/components/checkbox';
import { Dialog } from '@psa/ui/components/dialog';
import { TextField } from '@psa/ui/components/text-field';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { showToast } from '@psa/ui/toast-store';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { createView, deleteView, savedViewsQuery } from '../api/tickets.ts';
import { messages } from '../i18n/list-messages.ts';
import { listPath, type TicketView } from './ticket-views.ts';

/** What can be done with the view that a list belongs to: saving it under a name, deleting one's own. */
export function ViewActions(props: { query: string; view: TicketView | null; changed: boolean }) {
  const t = messages.useT();
  const me = useMe();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const tellError = useTellError();
  const [naming, setNaming] = useState(false);
  const gone = useMutation({
    mutationFn: deleteView,
    onSuccess: () => {
      showToast('ok', t('views.deleted'));
      return queries.invalidateQueries({ queryKey: savedViewsQuery.queryKey });
    },
    onError: tellError,
  });
  const saved = props.changed ? undefined : props.view?.saved;
  return (
    <>
      {saved && saved.owner_id === me.id && (
        <IconButton
          icon="trash"
          label={t('views.delete', { name: saved.name })}
          isPending={gone.isPending}
          onPress={() => gone.mutate(saved.id)}
        />
      )}
      {props.changed && (
        <Button kind="quiet" icon="plus" onPress={() => setNaming(true)}>
          {t('views.save')}
        </Button>
      )}
      {naming && (
        <SaveView
          query={props.query}
          onClose={() => setNaming(false)}
          onSaved={() => void navigate(listPath(props.query), { replace: true })}
        />
      )}
    </>
  );
}

function SaveView({ query, onClose, onSaved }: { query: string; onClose: () => void; onSaved: () => void }) {
  const t = messages.useT();
  const u = uiMessages.useT();
  const queries = useQueryClient();
  const tellError = useTellError();
  const [name, setName] = useState('');
  const [shared, setShared] = useState(false);
  const save = useMutation({
    mutationFn: createView,
    onSuccess: (_, view) => {
      onClose();
      showToast('ok', t('views.saved', { name: view.name }));
      onSaved();
      return queries.invalidateQueries({ queryKey: savedViewsQuery.queryKey });
    },
    onError: tellError,
  });
  function submit(event: FormEvent): void {
    event.preventDefault();
    if (name.trim() !== '' && !save.isPending) save.mutate({ name: name.trim(), query, shared });
  }
  return (
    <Dialog
      title={t('views.save')}
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{u('action.cancel')}</Button>
          <Button
            type="submit"
            form="save-view"
            kind="primary"
            isPending={save.isPending}
            isDisabled={name.trim() === ''}
          >
            {u('action.save')}
          </Button>
        </>
      }
    >
      <form id="save-view" className="stack" noValidate onSubmit={submit}>
        <TextField autoFocus label={t('views.name')} maxLength={100} value={name} onChange={setName} />
        <Checkbox isSelected={shared} onChange={setShared}>
          {t('views.shared')}
        </Checkbox>
      </form>
    </Dialog>
  );
}
