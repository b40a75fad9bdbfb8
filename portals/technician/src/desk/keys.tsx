import type { ApiKey } from '@psa/app/api/types';
import { DeleteAction } from '@psa/app/components/delete-action';
import { may, useMe } from '@psa/app/session/session';
import { Button } from '@psa/ui/components/button';
import { Dialog } from '@psa/ui/components/dialog';
import { Alert } from '@psa/ui/components/states';
import { Table } from '@psa/ui/components/table';
import { useFormats } from '@psa/ui/i18n/format';
import { useLanguage } from '@psa/ui/i18n/i18n';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { showToast } from '@psa/ui/toast-store';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { apiKeysQuery, createApiKey, revokeApiKey, rolesQuery } from '../api/desk.ts';
import { EditDialog } from '../components/edit-dialog.tsx';
import { messages } from '../i18n/settings-messages.ts';
import { Section } from './section.tsx';

/** The own API keys, or with the right to everybody's, with owner and last use; a new one is shown once. */
export function ApiKeys() {
  const t = messages.useT();
  const me = useMe();
  const formats = useFormats();
  const queries = useQueryClient();
  const keys = useQuery(apiKeysQuery(may(me, 'api_key:view')));
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<MadeKey | null>(null);
  const refresh = () => queries.invalidateQueries({ queryKey: ['api_key', 'list'] });
  const [language] = useLanguage();
  const { data: roles = [] } = useQuery({ ...rolesQuery, enabled: may(me, 'role:view') });
  const revoke = async (key: ApiKey) => {
    await revokeApiKey(key.id);
    showToast('ok', t('key.revoked', { name: key.name }));
    await refresh();
  };
  return (
    <>
      <Section
        title={t('keys')}
        query={keys}
        note={t('key.note')}
        create={{ label: t('key.new'), run: () => setMaking(true) }}
      >
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
              {
                id: 'revoke',
                header: t('key.revoke'),
                cell: (row: ApiKey) =>
                  (row.user_id === me.id || may(me, 'api_key:revoke')) && (
                    <DeleteAction
                      verb={t('key.revoke')}
                      question={t('key.revoke_sure', { name: row.name, owner: row.user_name })}
                      onDelete={() => revoke(row)}
                    />
                  ),
              },
            ]}
          />
        )}
      </Section>
      {making && (
        <NewKey
          roles={roles
            .filter(({ audience }) => audience === 'staff')
            .map(({ name, title }) => ({ value: name, label: title[language] }))}
          onMade={async (key) => {
            setMade(key);
            await refresh();
          }}
          onClose={() => setMaking(false)}
        />
      )}
      {made && <ShownOnce made={made} onClose={() => setMade(null)} />}
    </>
  );
}

interface MadeKey {
  readonly name: string;
  readonly key: string;
}

/** After so many days a key ends; '' never. */
const DAYS = ['90', '30', '365', ''] as const;

function NewKey(props: {
  roles: readonly { value: string; label: string }[];
  onMade: (key: MadeKey) => Promise<void>;
  onClose: () => void;
}) {
  const t = messages.useT();
  return (
    <EditDialog
      draft="api-key.new"
      title={t('key.new')}
      fields={[
        { name: 'name', label: t('name'), required: true, maxLength: 100, hint: t('key.name_hint') },
        {
          name: 'role',
          label: t('role'),
          kind: 'select',
          options: [{ value: '', label: t('key.role_own') }, ...props.roles],
        },
        {
          name: 'days',
          label: t('key.expires'),
          kind: 'select',
          options: DAYS.map((days) => ({
            value: days,
            label: days ? t('key.in_days', { days }) : t('user.never'),
          })),
        },
        {
          name: 'current_password',
          label: t('key.password'),
          kind: 'password',
          required: true,
          maxLength: 256,
          autoComplete: 'current-password',
        },
      ]}
      values={{ name: '', role: '', days: DAYS[0], current_password: '' }}
      missing={t('name_missing')}
      conflict={t('conflict')}
      onClose={props.onClose}
      onSave={async (v) => {
        const made = await createApiKey({
          name: v.name?.trim() ?? '',
          current_password: v.current_password ?? '',
          ...(v.role ? { role: v.role } : {}),
          ...(v.days ? { expires_in_days: Number(v.days) } : {}),
        });
        await props.onMade(made);
      }}
    />
  );
}

/** The key itself, which nobody sees again. */
function ShownOnce({ made, onClose }: { made: MadeKey; onClose: () => void }) {
  const t = messages.useT();
  const u = uiMessages.useT();
  const copy = () =>
    navigator.clipboard.writeText(made.key).then(
      () => showToast('ok', t('key.copied')),
      () => showToast('danger', t('key.not_copied')),
    );
  return (
    <Dialog
      title={made.name}
      isOpen
      role="alertdialog"
      onClose={onClose}
      footer={
        <>
          <Button onPress={copy}>{t('key.copy')}</Button>
          <Button kind="primary" onPress={onClose}>
            {u('action.close')}
          </Button>
        </>
      }
    >
      <div className="stack">
        <Alert tone="warn">{t('key.once')}</Alert>
        <code className="secret">{made.key}</code>
      </div>
    </Dialog>
  );
}
