import { QueryFailure } from '@psa/app/components/error-state';
import { Button } from '@psa/ui/components/button';
import { Skeleton } from '@psa/ui/components/states';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Panel } from '../components/panel.tsx';
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
      <QueryFailure query={query} />
      {query.data?.length === 0 && <p className="muted">{t('empty')}</p>}
      {query.data && query.data.length > 0 && props.children(query.data)}
    </Panel>
  );
}
