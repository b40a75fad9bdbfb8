import type { ApiKey } from '@psa/app/api/types';
import { DeleteAction } from '@psa/app/components/delete-action';
import { may, useMe } from '@psa/app/session/session';
import { Table } from '@psa/ui/components/table';
import { useFormats } from '@psa/ui/i18n/format';
import { useLanguage } from '@psa/ui/i18n/i18n';
import { showToast } from '@psa/ui/toast-store';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { apiKeysQuery, revokeApiKey, rolesQuery } from '../api/desk.ts';
import { messages } from '../i18n/settings-messages.ts';
import { Section } from './section.tsx';

/** Every API key of the tenant with its owner and last use; whoever may, revokes them. */
export function ApiKeys() {
  const t = messages.useT();
  const me = useMe();
  const formats = useFormats();
  const queries = useQueryClient();
  const keys = useQuery(apiKeysQuery);
  const [language] = useLanguage();
  const { data: roles = [] } = useQuery({ ...rolesQuery, enabled: may(me, 'role:view') });
  const revoke = async (key: ApiKey) => {
    await revokeApiKey(key.id);
    showToast('ok', t('key.revoked', { name: key.name }));
    await queries.invalidateQueries({ queryKey: apiKeysQuery.queryKey });
  };
  return (
    <Section title={t('keys')} query={keys} note={t('key.note')}>
      {(rows) => (
        <Table
          caption={t('keys')}
          rows={rows}
          rowKey={(row) => row.id}
          columns={[
            { id: 'name', header: t('name'), rowHeader: true, cell: (row) => row.name },
            { id: 'owner', header: t('key.owner'), cell: (row) => row.user_name },
            { id: 'prefix', header: t('key.prefix'), cell: (row) => <code>psa_{row.prefix}_…</code> },
            {
              id: 'role',
              header: t('role'),
              cell: (row) => roles.find(({ name }) => name === row.role)?.title[language] ?? row.role,
            },
            { id: 'created', header: t('key.created'), cell: (row) => formats.date(row.created_at) },
            {
              id: 'used',
              header: t('key.last_used'),
              cell: (row) => (row.last_used_at ? formats.relative(row.last_used_at) : t('user.never')),
            },
            {
              id: 'expires',
              header: t('key.expires'),
              cell: (row) => (row.expires_at ? formats.date(row.expires_at) : t('user.never')),
            },
            ...(may(me, 'api_key:revoke')
              ? [
                  {
                    id: 'revoke',
                    header: t('key.revoke'),
                    cell: (row: ApiKey) => (
                      <DeleteAction
                        verb={t('key.revoke')}
                        question={t('key.revoke_sure', { name: row.name, owner: row.user_name })}
                        onDelete={() => revoke(row)}
                      />
                    ),
                  },
                ]
              : []),
          ]}
        />
      )}
    </Section>
  );
}
