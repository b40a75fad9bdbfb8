import type { Role } from '@psa/app/api/types';
import { Table } from '@psa/ui/components/table';
import { useLanguage } from '@psa/ui/i18n/i18n';
import { useQuery } from '@tanstack/react-query';
import { rolesQuery } from '../api/desk.ts';
import { messages } from '../i18n/settings-messages.ts';
import { Section } from './section.tsx';

/** The roles that there are, for whom, and what each may do. */
export function Roles() {
  const t = messages.useT();
  const [language] = useLanguage();
  const roles = useQuery(rolesQuery);
  return (
    <Section title={t('roles')} query={roles} note={t('role.note')}>
      {(rows) => (
        <Table
          caption={t('roles')}
          rows={rows}
          rowKey={(row) => row.id}
          columns={[
            { id: 'title', header: t('role'), rowHeader: true, cell: (row) => row.title[language] },
            { id: 'audience', header: t('role.audience'), cell: (row) => t(`role.audience.${row.audience}`) },
            { id: 'may', header: t('role.may'), cell: (row) => <Permissions role={row} /> },
          ]}
        />
      )}
    </Section>
  );
}

function Permissions({ role }: { role: Role }) {
  const t = messages.useT();
  if (role.permissions.includes('*')) return t('role.everything');
  return (
    <details className="disclosure">
      <summary>{t('role.permissions', { count: role.permissions.length })}</summary>
      <ul className="plain-list">
        {role.permissions.toSorted().map((name) => (
          <li key={name}>
            <code>{name}</code>
          </li>
        ))}
      </ul>
    </details>
  );
}
