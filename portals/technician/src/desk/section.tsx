import { Button } from '@psa/ui/components/button';
import { ConfirmDialog } from '@psa/ui/components/dialog';
import { ErrorState, Skeleton } from '@psa/ui/components/states';
import type { UseQueryResult } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { Panel } from '../components/panel.tsx';
import { useTellError } from '../components/use-tell-error.ts';
import { messages } from '../i18n/settings-messages.ts';

/** A list of settings with its waiting, failing and empty states. */
export function Section<T>(props: {
  title: string;
  query: UseQueryResult<T[]>;
  /** Name of what can be created; without it nothing can. */
  create?: { label: string; run: () => void } | false;
  note?: string;
  children: (rows: T[]) => ReactNode;
}) {
  const t = messages.useT();
  const { query } = props;
  return (
    <Panel
      title={props.title}
      end={
        props.create && (
          <Button icon="plus" onPress={props.create.run}>
            {props.create.label}
          </Button>
        )
      }
    >
      {props.note && <p className="muted">{props.note}</p>}
      {query.isPending && <Skeleton lines={5} />}
      {query.isError && <ErrorState error={query.error} onRetry={() => void query.refetch()} />}
      {query.data?.length === 0 && <p className="muted">{t('empty')}</p>}
      {query.data && query.data.length > 0 && props.children(query.data)}
    </Panel>
  );
}

export function DeleteAction({ name, onDelete }: { name: string; onDelete: () => Promise<void> }) {
  const t = messages.useT();
  const tellError = useTellError();
  const [asking, setAsking] = useState(false);
  const [pending, setPending] = useState(false);
  return (
    <>
      <Button kind="quiet" icon="trash" onPress={() => setAsking(true)}>
        {t('delete')}
      </Button>
      <ConfirmDialog
        title={t('delete')}
        isOpen={asking}
        danger
        isPending={pending}
        confirmLabel={t('delete')}
        onClose={() => setAsking(false)}
        onConfirm={() => {
          setPending(true);
          onDelete().catch((error: unknown) => {
            tellError(error);
            setPending(false);
            setAsking(false);
          });
        }}
      >
        {t('delete_sure', { name })}
      </ConfirmDialog>
    </>
  );
}
