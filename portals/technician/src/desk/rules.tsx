import type { AssignmentRule } from '@psa/app/api/types';
import { DeleteAction } from '@psa/app/components/delete-action';
import { may, useMe } from '@psa/app/session/session';
import { readTags } from '@psa/contracts/tags';
import { Badge } from '@psa/ui/components/pill';
import { Table } from '@psa/ui/components/table';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { findCustomers } from '../api/customers.ts';
import { categoriesQuery, rulesQuery, teamsQuery } from '../api/desk.ts';
import { choiceOf, choiceText, EditDialog, orNull } from '../components/edit-dialog.tsx';
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
  const fact = (name: string, value: string) => t('rule.fact', { name, value });
  /** What must be true of a ticket; nothing stands for every ticket. */
  function conditions(row: AssignmentRule): string[] {
    const named = row.customer_name ?? t('rule.customer_gone');
    const facts = [
      row.category !== null && fact(t('rule.category'), row.category),
      row.priority !== null && fact(t('rule.priority'), u(`priority.${row.priority}`)),
      row.customer_id !== null && fact(t('rule.customer'), named),
    ].filter((one) => one !== false);
    return facts.length > 0 ? facts : [t('rule.always')];
  }
  /** Who it is given to. */
  function result(row: AssignmentRule): string[] {
    const team = teams.find(({ id }) => id === row.team_id)?.name;
    const facts = [
      team !== undefined && fact(t('rule.team'), team),
      row.skills.length > 0 && fact(t('rule.skills'), row.skills.join(', ')),
    ].filter((one) => one !== false);
    return facts.length > 0 ? facts : [t('rule.anybody')];
  }
  const when = { title: t('rule.when'), hint: t('rule.when_hint') };
  const then = { title: t('rule.then'), hint: t('rule.then_hint') };
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
              { id: 'when', header: t('rule.when'), cell: (row) => <Facts facts={conditions(row)} /> },
              { id: 'then', header: t('rule.then'), cell: (row) => <Facts facts={result(row)} /> },
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
              group: when,
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
              group: when,
              kind: 'select',
              options: [
                { value: '', label: t('rule.any') },
                ...PRIORITIES.map((value) => ({ value, label: u(`priority.${value}`) })),
              ],
            },
            {
              name: 'customer_id',
              label: t('rule.customer'),
              group: when,
              kind: 'choice',
              hint: t('rule.customer_hint'),
              load: findCustomers,
            },
            {
              name: 'team_id',
              label: t('rule.team'),
              group: then,
              kind: 'select',
              options: [
                { value: '', label: t('rule.any_team') },
                ...teams.map(({ id, name }) => ({ value: id, label: name })),
              ],
            },
            {
              name: 'skills',
              label: t('rule.skills'),
              group: then,
              hint: t('tech.skills_hint'),
              maxLength: 2500,
            },
            { name: 'active', label: t('rule.active'), kind: 'boolean' },
          ]}
          values={{
            name: rule?.name ?? '',
            position: String(rule?.position ?? (rules.data?.length ?? 0) + 1),
            category: rule?.category ?? '',
            priority: rule?.priority ?? '',
            customer_id: choiceText(
              rule?.customer_id
                ? { id: rule.customer_id, label: rule.customer_name ?? t('rule.customer_gone') }
                : null,
            ),
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
                customer_id: choiceOf(v.customer_id)?.id ?? null,
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

/** Facts of a rule beside each other. */
function Facts({ facts }: { facts: readonly string[] }) {
  return (
    <ul className="facts-list">
      {facts.map((text) => (
        <li key={text}>{text}</li>
      ))}
    </ul>
  );
}
