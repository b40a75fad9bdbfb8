import type { Category } from '@psa/app/api/types';
import { DeleteAction } from '@psa/app/components/delete-action';
import { may, useMe } from '@psa/app/session/session';
import { Table } from '@psa/ui/components/table';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { categoriesQuery } from '../api/desk.ts';
import { EditDialog } from '../components/edit-dialog.tsx';
import { messages } from '../i18n/settings-messages.ts';
import { Section } from './section.tsx';
import { editColumn } from './teams.tsx';
import { useDeskSaving } from './use-desk-saving.ts';

/** What customers choose from when they say what a ticket is about. */
export function Categories() {
  const t = messages.useT();
  const me = useMe();
  const categories = useQuery(categoriesQuery);
  const desk = useDeskSaving('/categories', 'category');
  const [editing, setEditing] = useState<Category | 'new' | null>(null);
  const manage = may(me, 'desk:manage');
  const category =
    editing === 'new' || editing === null
      ? null
      : (categories.data?.find(({ id }) => id === editing.id) ?? editing);
  return (
    <>
      <Section
        title={t('categories')}
        note={t('category.hint')}
        query={categories}
        create={manage && { label: t('category.new'), run: () => setEditing('new') }}
      >
        {(rows) => (
          <Table
            caption={t('categories')}
            rows={rows}
            rowKey={(row) => row.id}
            columns={[
              { id: 'name', header: t('name'), rowHeader: true, cell: (row) => row.name },
              ...(manage ? [editColumn<Category>(t, setEditing)] : []),
            ]}
          />
        )}
      </Section>
      {editing && (
        <EditDialog
          draft={`category.${category?.id ?? 'new'}`}
          title={category ? t('edit', { name: category.name }) : t('category.new')}
          fields={[{ name: 'name', label: t('name'), required: true, maxLength: 50 }]}
          values={{ name: category?.name ?? '' }}
          missing={t('name_missing')}
          conflict={t('conflict')}
          onClose={() => setEditing(null)}
          onSave={(v, key) => desk.save(category, { name: v.name?.trim() }, key)}
          extra={
            category && (
              <DeleteAction
                question={t('delete_sure', { name: category.name })}
                onDelete={() => desk.remove(category).then(() => setEditing(null))}
              />
            )
          }
        />
      )}
    </>
  );
}
