import { Link } from '@psa/app/router';
import { useMe } from '@psa/app/session/session';
import { useTellError } from '@psa/app/use-tell-error';
import { Button, IconButton } from '@psa/ui/components/button';
import { Checkbox } from '@psa/ui/components/checkbox';
import { Dialog } from '@psa/ui/components/dialog';
import { TextField } from '@psa/ui/components/text-field';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { showToast } from '@psa/ui/toast-store';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { createView, deleteView, savedViewsQuery } from '../api/tickets.ts';
import { messages } from '../i18n/list-messages.ts';
import { encodeFilter, parseFilter } from './filter.ts';

/** Ready-made and saved filters, as links: each is a URL. */
export function Views({ current }: { current: string }) {
  const t = messages.useT();
  const me = useMe();
  const queries = useQueryClient();
  const tellError = useTellError();
  const { data: saved = [] } = useQuery(savedViewsQuery);
  const [naming, setNaming] = useState(false);
  const gone = useMutation({
    mutationFn: deleteView,
    onSuccess: () => {
      showToast('ok', t('views.deleted'));
      return queries.invalidateQueries({ queryKey: savedViewsQuery.queryKey });
    },
    onError: tellError,
  });

  const fixed = [
    { name: t('views.open'), query: 'status=open' },
    { name: t('views.mine'), query: 'status=open&assigned_to=me' },
    { name: t('views.unassigned'), query: 'status=open&assigned_to=none' },
    { name: t('views.all'), query: '' },
  ];
  const own = saved.map((view) => ({ ...view, query: encodeFilter(parseFilter(view.query)) }));
  const active = own.find((view) => view.query === current);
  const known = active !== undefined || fixed.some((view) => view.query === current);
  const link = (name: string, query: string, key: string, shared = false) => (
    <li key={key}>
      <Link
        className="view-link"
        to={query === '' ? '/tickets' : `/tickets?${query}`}
        aria-current={query === current ? 'page' : undefined}
      >
        {name}
        {shared && <span className="muted"> {t('views.shared_mark')}</span>}
      </Link>
    </li>
  );
  return (
    <nav className="views" aria-label={t('views.title')}>
      <ul className="views-list">
        {fixed.map((view) => link(view.name, view.query, view.query))}
        {own.map((view) => link(view.name, view.query, view.id, view.shared))}
      </ul>
      {active && active.owner_id === me.id && (
        <IconButton
          icon="trash"
          label={t('views.delete', { name: active.name })}
          isPending={gone.isPending}
          onPress={() => gone.mutate(active.id)}
        />
      )}
      {!known && (
        <Button kind="quiet" icon="plus" onPress={() => setNaming(true)}>
          {t('views.save')}
        </Button>
      )}
      {naming && <SaveView query={current} onClose={() => setNaming(false)} />}
    </nav>
  );
}

function SaveView({ query, onClose }: { query: string; onClose: () => void }) {
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
      <form id="save-view" className="stack" onSubmit={submit} noValidate>
        <TextField autoFocus label={t('views.name')} maxLength={100} value={name} onChange={setName} />
        <Checkbox isSelected={shared} onChange={setShared}>
          {t('views.shared')}
        </Checkbox>
      </form>
    </Dialog>
  );
}
