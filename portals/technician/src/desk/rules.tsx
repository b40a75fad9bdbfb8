import type { AssignmentRule } from '@psa/app/api/types';
import { DeleteAction } from '@psa/app/components/delete-action';
import { may, useMe } from '@psa/app/session/session';
import { readTags } from '@psa/contracts/tags';
import { Badge } from '@psa/ui/components/pill';
import { Table } from '@psa/ui/components/table';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { categoriesQuery, rulesQuery, teamsQuery } from '../api/desk.ts';
import { EditDialog, orNull } from '../components/edit-dialog.tsx';
import { messages } from '../i18n/settings-messages.ts';
import { PRIORITIES } from '../tickets/filter.ts';
import { Section } from './section.tsx';
import { editColumn } from './teams.tsx';
import { useDeskSaving } from './use-desk-saving.ts';

/** The choices, with a value that is none of them (any more). */
const withValue = (choices: readonly string[], value: string | null | undefined): string[] =>
  value && !choices.includes(value) ? [...choices, value] : [...choices];

export function Rules() {
  const t = messages.useT();
  const u = uiMessages.useT();
  const me = useMe();
  const rules = useQuery(rulesQuery);
  const { data: teams = [] } = useQuery(teamsQuery);
  const { data: categories = [] } = useQuery(categoriesQuery);
  const desk = useDeskSaving('/assignment-rules', 'assignment_rule');
  const [editing, setEditing] = useState<AssignmentRule | 'new' | null>(null);
  const manage = may(me, 'desk:manage');
  const rule =
    editing === 'new' || editing === null
      ? null
      : (rules.data?.find(({ id }) => id === editing.id) ?? editing);
  return (
    <>
      <Section
        title={t('rules')}
        note={t('rule.hint')}
        query={rules}
        create={manage && { label: t('rule.new'), run: () => setEditing('new') }}
      >
        {(rows) => (
          <Table
            caption={t('rules')}
            rows={rows}
            rowKey={(row) => row.id}
            columns={[
              {
                id: 'position',
                header: t('rule.position'),
                align: 'end' as const,
                cell: (row) => row.position,
              },
              { id: 'name', header: t('name'), rowHeader: true, cell: (row) => row.name },
              { id: 'category', header: t('rule.category'), cell: (row) => row.category ?? t('rule.any') },
              {
                id: 'priority',
                header: t('rule.priority'),
                cell: (row) => (row.priority ? u(`priority.${row.priority}`) : t('rule.any')),
              },
              {
                id: 'team',
                header: t('rule.team'),
                cell: (row) => teams.find(({ id }) => id === row.team_id)?.name ?? '–',
              },
              { id: 'skills', header: t('rule.skills'), cell: (row) => row.skills.join(', ') || '–' },
              {
                id: 'active',
                header: t('rule.active'),
                cell: (row) => (
                  <Badge tone={row.active ? 'ok' : 'neutral'}>{t(row.active ? 'yes' : 'no')}</Badge>
                ),
              },
              ...(manage ? [editColumn<AssignmentRule>(t, setEditing)] : []),
            ]}
          />
        )}
      </Section>
      {editing && (
        <EditDialog
          draft={`rule.${rule?.id ?? 'new'}`}
          title={rule ? t('edit', { name: rule.name }) : t('rule.new')}
          fields={[
            { name: 'name', label: t('name'), required: true, maxLength: 100 },
            { name: 'position', label: t('rule.position'), maxLength: 6, required: true },
            {
              name: 'category',
              label: t('rule.category'),
              kind: 'select',
              options: [
                { value: '', label: t('rule.any') },
                ...withValue(
                  categories.map(({ name }) => name),
                  rule?.category,
                ).map((name) => ({ value: name, label: name })),
              ],
            },
            {
              name: 'priority',
              label: t('rule.priority'),
              kind: 'select',
              options: [
                { value: '', label: t('rule.any') },
                ...PRIORITIES.map((value) => ({ value, label: u(`priority.${value}`) })),
              ],
            },
            {
              name: 'team_id',
              label: t('rule.team'),
              kind: 'select',
              options: [
                { value: '', label: '–' },
                ...teams.map(({ id, name }) => ({ value: id, label: name })),
              ],
            },
            { name: 'skills', label: t('rule.skills'), hint: t('tech.skills_hint'), maxLength: 2500 },
            { name: 'active', label: t('rule.active'), kind: 'boolean' },
          ]}
          values={{
            name: rule?.name ?? '',
            position: String(rule?.position ?? (rules.data?.length ?? 0) + 1),
            category: rule?.category ?? '',
            priority: rule?.priority ?? '',
            team_id: rule?.team_id ?? '',
            skills: rule?.skills.join(', ') ?? '',
            active: rule && !rule.active ? '' : 'on',
          }}
          missing={t('name_missing')}
          conflict={t('conflict')}
          onClose={() => setEditing(null)}
          onSave={(v, key) =>
            desk.save(
              rule,
              {
                name: v.name?.trim(),
                position: Number(v.position),
                category: orNull(v.category),
                priority: orNull(v.priority),
                team_id: orNull(v.team_id),
                skills: readTags(v.skills ?? ''),
                active: v.active === 'on',
              },
              key,
            )
          }
          extra={
            rule && (
              <DeleteAction
                question={t('delete_sure', { name: rule.name })}
                onDelete={() => desk.remove(rule).then(() => setEditing(null))}
              />
            )
          }
        />
      )}
    </>
  );
}
