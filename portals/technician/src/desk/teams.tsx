import type { Team, Technician } from '@psa/app/api/types';
import { DeleteAction } from '@psa/app/components/delete-action';
import { useDraft } from '@psa/app/drafts/use-draft';
import { may, useMe } from '@psa/app/session/session';
import { readTags } from '@psa/contracts/tags';
import { IconButton } from '@psa/ui/components/button';
import { Checkbox } from '@psa/ui/components/checkbox';
import { Badge } from '@psa/ui/components/pill';
import { Table } from '@psa/ui/components/table';
import { TextField } from '@psa/ui/components/text-field';
import { useFormats } from '@psa/ui/i18n/format';
import { useLanguage } from '@psa/ui/i18n/i18n';
import { readNumber } from '@psa/ui/i18n/typed';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { teamsQuery, techniciansQuery } from '../api/desk.ts';
import { EditDialog, type Values } from '../components/edit-dialog.tsx';
import { FormDialog } from '../components/form-dialog.tsx';
import { messages } from '../i18n/settings-messages.ts';
import { Section } from './section.tsx';
import { useDeskSaving } from './use-desk-saving.ts';

export function Teams() {
  const t = messages.useT();
  const me = useMe();
  const formats = useFormats();
  const teams = useQuery(teamsQuery);
  const { data: technicians = [] } = useQuery(techniciansQuery);
  const [editing, setEditing] = useState<Team | 'new' | null>(null);
  const manage = may(me, 'desk:manage');
  const nameOf = (id: string) => technicians.find((person) => person.id === id)?.name ?? '…';
  return (
    <>
      <Section
        title={t('teams')}
        query={teams}
        create={manage && { label: t('team.new'), run: () => setEditing('new') }}
      >
        {(rows) => (
          <Table
            caption={t('teams')}
            rows={rows}
            rowKey={(row) => row.id}
            columns={[
              { id: 'name', header: t('name'), rowHeader: true, cell: (row) => row.name },
              {
                id: 'members',
                header: t('team.members'),
                cell: (row) => formats.list(row.member_ids.map(nameOf)) || '–',
              },
              ...(manage ? [editColumn<Team>(t, setEditing)] : []),
            ]}
          />
        )}
      </Section>
      {editing && (
        <TeamDialog
          team={editing === 'new' ? null : (teams.data?.find(({ id }) => id === editing.id) ?? editing)}
          technicians={technicians}
          onClose={() => setEditing(null)}
        />
      )}
    </>
  );
}

/** The column with the pencil. */
export function editColumn<T extends { name: string }>(
  t: ReturnType<typeof messages.useT>,
  onEdit: (row: T) => void,
) {
  return {
    id: 'edit',
    header: t('actions'),
    align: 'end' as const,
    cell: (row: T) => (
      <IconButton icon="write" label={t('edit', { name: row.name })} onPress={() => onEdit(row)} />
    ),
  };
}

function TeamDialog(props: { team: Team | null; technicians: readonly Technician[]; onClose: () => void }) {
  const t = messages.useT();
  const { team } = props;
  const desk = useDeskSaving('/teams', 'team');
  const draft = useDraft(`edit.team.${team?.id ?? 'new'}`, {
    name: team?.name ?? '',
    members: team?.member_ids ?? [],
  });
  const { name } = draft.value;
  const members = new Set(draft.value.members);
  return (
    <FormDialog
      title={team ? t('edit', { name: team.name }) : t('team.new')}
      draft={draft}
      isValid={name.trim() !== ''}
      conflict={t('conflict')}
      onSave={(key) => desk.save(team, { name: name.trim(), member_ids: [...members] }, key)}
      onClose={props.onClose}
      extra={
        team && (
          <DeleteAction
            question={t('delete_sure', { name: team.name })}
            onDelete={() => desk.remove(team).then(props.onClose)}
          />
        )
      }
    >
      {({ tried }) => (
        <>
          <TextField
            autoFocus
            isRequired
            label={t('name')}
            maxLength={100}
            value={name}
            error={tried && name.trim() === '' ? t('name_missing') : null}
            onChange={(text) => draft.change({ name: text })}
          />
          <fieldset className="plain-fieldset">
            <legend className="label">{t('team.members')}</legend>
            <div className="checks">
              {props.technicians
                .filter((person) => person.active || members.has(person.id))
                .map((person) => (
                  <Checkbox
                    key={person.id}
                    isSelected={members.has(person.id)}
                    onChange={(on) => {
                      const next = new Set(members);
                      if (on) next.add(person.id);
                      else next.delete(person.id);
                      draft.change({ members: [...next] });
                    }}
                  >
                    {person.name}
                  </Checkbox>
                ))}
            </div>
          </fieldset>
        </>
      )}
    </FormDialog>
  );
}

export function Technicians() {
  const t = messages.useT();
  const me = useMe();
  const [language] = useLanguage();
  const query = useQuery(techniciansQuery);
  const desk = useDeskSaving('/technicians', 'technician');
  const [editing, setEditing] = useState<Technician | null>(null);
  const manage = may(me, 'desk:manage');
  const current = query.data?.find(({ id }) => id === editing?.id) ?? editing;
  return (
    <>
      <Section title={t('technicians')} query={query}>
        {(rows) => (
          <Table
            caption={t('technicians')}
            rows={rows}
            rowKey={(row) => row.id}
            columns={[
              { id: 'name', header: t('name'), rowHeader: true, cell: (row) => row.name },
              {
                id: 'available',
                header: t('tech.available'),
                cell: (row) => (
                  <Badge tone={row.active && row.available ? 'ok' : 'neutral'}>
                    {t(row.active && row.available ? 'tech.available' : 'tech.unavailable')}
                  </Badge>
                ),
              },
              { id: 'skills', header: t('tech.skills'), cell: (row) => row.skills.join(', ') || '–' },
              { id: 'open', header: t('tech.open'), align: 'end' as const, cell: (row) => row.open_tickets },
              { id: 'max', header: t('tech.max_open'), align: 'end' as const, cell: (row) => row.max_open },
              ...(manage ? [editColumn<Technician>(t, setEditing)] : []),
            ]}
          />
        )}
      </Section>
      {current && (
        <EditDialog
          draft={`technician.${current.id}`}
          title={t('edit', { name: current.name })}
          fields={[
            { name: 'skills', label: t('tech.skills'), hint: t('tech.skills_hint'), maxLength: 2500 },
            {
              name: 'max_open',
              label: t('tech.max_open'),
              hint: t('tech.max_hint'),
              maxLength: 5,
              required: true,
            },
            { name: 'available', label: t('tech.available'), kind: 'boolean' },
          ]}
          values={{
            skills: current.skills.join(', '),
            max_open: String(current.max_open),
            available: current.available ? 'on' : '',
          }}
          check={(v): Values =>
            Number.isInteger(readNumber(v.max_open ?? '', language)) ? {} : { max_open: t('tech.number_bad') }
          }
          missing={t('tech.number_bad')}
          conflict={t('conflict')}
          onClose={() => setEditing(null)}
          onSave={(v, key) =>
            desk.save(
              current,
              {
                skills: readTags(v.skills ?? ''),
                max_open: readNumber(v.max_open ?? '', language),
                available: v.available === 'on',
              },
              key,
            )
          }
        />
      )}
    </>
  );
}
