import type { User } from '@psa/app/api/types';
import { may, useMe } from '@psa/app/session/session';
import { Badge } from '@psa/ui/components/pill';
import { Table } from '@psa/ui/components/table';
import { holds } from '@psa/ui/fuzzy';
import { useFormats } from '@psa/ui/i18n/format';
import { LANGUAGES, useLanguage } from '@psa/ui/i18n/i18n';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { customerListQuery } from '../api/customers.ts';
import { rolesQuery, usersQuery } from '../api/desk.ts';
import { EditDialog, type EditField, orNull, type Values } from '../components/edit-dialog.tsx';
import { messages } from '../i18n/settings-messages.ts';
import { Section } from './section.tsx';
import { editColumn } from './teams.tsx';
import { useDeskSaving } from './use-desk-saving.ts';

const TONE = { active: 'ok', invited: 'info', disabled: 'danger', imported: 'neutral' } as const;

/** What somebody new is unless another role is chosen: those that may least. */
const MODEST: readonly string[] = ['technician_l1', 'customer_user'];

/** Who may sign in: list, creation with password or invitation, role and lock. */
export function Users() {
  const t = messages.useT();
  const u = uiMessages.useT();
  const me = useMe();
  const formats = useFormats();
  const [language] = useLanguage();
  const users = useQuery(usersQuery);
  const seesRoles = may(me, 'role:view');
  const { data: roles = [] } = useQuery({ ...rolesQuery, enabled: seesRoles });
  const { data: customers } = useQuery({
    ...customerListQuery({ limit: 100, sort: 'name', fields: 'name' }),
    enabled: may(me, 'customer:view'),
  });
  const desk = useDeskSaving('/users', 'user');
  const [editing, setEditing] = useState<User | 'new' | null>(null);
  const [filter, setFilter] = useState('');
  const user =
    editing === 'new' || editing === null
      ? null
      : (users.data?.find(({ id }) => id === editing.id) ?? editing);
  const roleTitle = (name: string) => roles.find((role) => role.name === name)?.title[language] ?? name;
  /** Roles that fit: of customers for their people, of staff for the others. */
  const roleOptions = (customerId: string | undefined) => {
    const audience = user ? user.audience : customerId ? 'customer' : 'staff';
    if (roles.length === 0) return user ? [user.role] : audience === me.audience ? [me.role] : [];
    const names = roles.flatMap((role) => (role.audience === audience ? [role.name] : []));
    // The first one is what is chosen where nothing is: the one that may least.
    return names.sort((a, b) => Number(MODEST.includes(b)) - Number(MODEST.includes(a)));
  };
  const fields = (values: Values): EditField[] => [
    { name: 'name', label: t('name'), required: true },
    { name: 'email', label: t('email'), kind: 'email', required: true, maxLength: 254 },
    {
      name: 'role',
      label: t('role'),
      kind: 'select',
      follows: true,
      options: roleOptions(values.customer_id).map((value) => ({ value, label: roleTitle(value) })),
    },
    {
      name: 'locale',
      label: t('language'),
      kind: 'select',
      options: LANGUAGES.map((value) => ({ value, label: u(`user.language_${value}`) })),
    },
    ...(user
      ? [
          {
            name: 'status',
            label: t('user.status'),
            kind: 'select' as const,
            options: [
              ...(user.status === 'active' || user.status === 'disabled'
                ? []
                : [{ value: user.status, label: t(`user.status.${user.status}`) }]),
              { value: 'active', label: t('user.status.active') },
              { value: 'disabled', label: t('user.status.disabled') },
            ],
          },
        ]
      : [
          {
            name: 'customer_id',
            label: t('user.customer'),
            kind: 'select' as const,
            options: [
              { value: '', label: t('user.kind.staff') },
              ...(customers?.rows ?? []).map(({ id, name }) => ({ value: id, label: name })),
            ],
          },
          {
            name: 'password',
            label: t('user.password'),
            kind: 'password' as const,
            hint: t('user.password_hint'),
            maxLength: 256,
          },
        ]),
  ];
  return (
    <>
      <Section
        title={t('users')}
        query={users}
        create={may(me, 'user:create') && { label: t('user.new'), run: () => setEditing('new') }}
      >
        {(rows) => (
          <>
            <input
              type="search"
              className="input list-search"
              aria-label={t('user.search')}
              placeholder={t('user.search')}
              value={filter}
              onChange={(event) => setFilter(event.target.value)}
            />
            <Table
              caption={t('users')}
              rows={rows.filter(({ name, email }) => holds(filter, `${name} ${email}`))}
              rowKey={(row) => row.id}
              columns={[
                { id: 'name', header: t('name'), rowHeader: true, cell: (row) => row.name },
                { id: 'email', header: t('email'), cell: (row) => row.email },
                { id: 'role', header: t('role'), cell: (row) => roleTitle(row.role) },
                {
                  id: 'status',
                  header: t('user.status'),
                  cell: (row) => <Badge tone={TONE[row.status]}>{t(`user.status.${row.status}`)}</Badge>,
                },
                {
                  id: 'login',
                  header: t('user.last_login'),
                  cell: (row) => (row.last_login_at ? formats.relative(row.last_login_at) : t('user.never')),
                },
                ...(may(me, 'user:update') ? [editColumn<User>(t, setEditing)] : []),
              ]}
            />
          </>
        )}
      </Section>
      {editing && (
        <EditDialog
          draft={`user.${user?.id ?? 'new'}`}
          title={user ? t('edit', { name: user.name }) : t('user.new')}
          fields={fields}
          values={{
            name: user?.name ?? '',
            email: user?.email ?? '',
            role: user?.role ?? '',
            locale: user?.locale ?? language,
            status: user?.status ?? 'active',
          }}
          missing={t('name_missing')}
          conflict={t('conflict')}
          onClose={() => setEditing(null)}
          onSave={(v, key) => {
            const person = { name: v.name?.trim(), email: v.email?.trim(), role: v.role, locale: v.locale };
            if (user) {
              const status = v.status === user.status ? {} : { status: v.status };
              return desk.save(user, { ...person, ...status }, key);
            }
            const access = v.password ? { password: v.password } : { invite: true };
            return desk.save(null, { ...person, customer_id: orNull(v.customer_id), ...access }, key);
          }}
        />
      )}
    </>
  );
}
