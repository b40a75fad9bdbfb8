import type { Role } from '@psa/app/api/types';
import { may, useMe } from '@psa/app/session/session';
import { IconButton } from '@psa/ui/components/button';
import { Table } from '@psa/ui/components/table';
import { useLanguage } from '@psa/ui/i18n/i18n';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { permissionsQuery, rolesQuery } from '../api/desk.ts';
import { permissionMessages } from '../i18n/permission-messages.ts';
import { messages } from '../i18n/settings-messages.ts';
import { RoleDialog } from './role-dialog.tsx';
import { Section } from './section.tsx';

/** The roles that there are, for whom, and what each may do; who administrates makes, changes and deletes them. */
export function Roles() {
  const t = messages.useT();
  const me = useMe();
  const [language] = useLanguage();
  const manage = may(me, 'role:manage');
  const roles = useQuery(rolesQuery);
  const { data: all } = useQuery({ ...permissionsQuery, enabled: manage });
  const [editing, setEditing] = useState<Role | 'new' | null>(null);
  const role =
    editing === 'new' || editing === null
      ? null
      : (roles.data?.find(({ id }) => id === editing.id) ?? editing);
  return (
    <>
      <Section
        title={t('roles')}
        query={roles}
        note={t('role.note')}
        create={manage && { label: t('role.new'), run: () => setEditing('new') }}
      >
        {(rows) => (
          <Table
            caption={t('roles')}
            rows={rows.toSorted((a, b) => a.title[language].localeCompare(b.title[language]))}
            rowKey={(row) => row.id}
            columns={[
              { id: 'title', header: t('role'), rowHeader: true, cell: (row) => row.title[language] },
              {
                id: 'audience',
                header: t('role.audience'),
                cell: (row) => t(`role.audience.${row.audience}`),
              },
              { id: 'may', header: t('role.may'), cell: (row) => <Permissions role={row} /> },
              ...(manage
                ? [
                    {
                      id: 'edit',
                      header: t('actions'),
                      align: 'end' as const,
                      cell: (row: Role) => (
                        <IconButton
                          icon="write"
                          label={t('edit', { name: row.title[language] })}
                          onPress={() => setEditing(row)}
                        />
                      ),
                    },
                  ]
                : []),
            ]}
          />
        )}
      </Section>
      {editing && all && <RoleDialog key={role?.id} role={role} all={all} onClose={() => setEditing(null)} />}
    </>
  );
}

function Permissions({ role }: { role: Role }) {
  const t = messages.useT();
  const p = permissionMessages.useT();
  if (role.permissions.includes('*')) return t('role.everything');
  return (
    <details className="disclosure">
      <summary>{t('role.permissions', { count: role.permissions.length })}</summary>
      <ul className="plain-list">
        {role.permissions.toSorted().map((name) => (
          <li key={name} title={name}>
            {p(name as Parameters<typeof p>[0])}
          </li>
        ))}
      </ul>
    </details>
  );
}
