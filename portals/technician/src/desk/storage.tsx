import type { AttachmentQuota } from '@psa/app/api/types';
import { QueryFailure } from '@psa/app/components/error-state';
import { may, useMe } from '@psa/app/session/session';
import { ATTACHMENT_QUOTA_BYTES } from '@psa/contracts/limits';
import { Button } from '@psa/ui/components/button';
import { ComboBox, type ComboOption } from '@psa/ui/components/combo-box';
import { Meter } from '@psa/ui/components/sla-clock';
import { Skeleton } from '@psa/ui/components/states';
import { useFormats } from '@psa/ui/i18n/format';
import { useLanguage } from '@psa/ui/i18n/i18n';
import { showToast } from '@psa/ui/toast-store';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { findCustomers } from '../api/customers.ts';
import { changeQuota, quotaQuery } from '../api/desk.ts';
import { EditDialog, type Values } from '../components/edit-dialog.tsx';
import { Panel } from '../components/panel.tsx';
import { messages } from '../i18n/settings-messages.ts';
import { gibField, readGib } from './storage-size.ts';

/** Share of the room from which on the bar warns. */
const NEARLY_FULL = 0.9;

/** The room that files take and may take: of the whole desk, and of the customer one looks for. */
export function Storage() {
  const t = messages.useT();
  const me = useMe();
  const formats = useFormats();
  const [customer, setCustomer] = useState<ComboOption | null>(null);
  const [editing, setEditing] = useState(false);
  const quota = useQuery(quotaQuery(null));
  return (
    <>
      <Panel
        title={t('storage')}
        end={
          quota.data &&
          may(me, 'desk:manage') && (
            <Button icon="write" onPress={() => setEditing(true)}>
              {t('storage.edit')}
            </Button>
          )
        }
      >
        <div className="stack narrow-page">
          <p className="muted">{t('storage.note')}</p>
          {quota.isPending && <Skeleton lines={3} />}
          <QueryFailure query={quota} />
          {quota.data && (
            <>
              <Room name={t('storage.all')} used={quota.data.used_bytes} limit={quota.data.limit_bytes} />
              <p>{t('storage.each', { room: formats.bytes(quota.data.customer_limit_bytes) })}</p>
            </>
          )}
          {may(me, 'customer:view') && (
            <ComboBox
              label={t('storage.customer')}
              placeholder={t('storage.choose')}
              value={customer}
              load={findCustomers}
              onChange={setCustomer}
            />
          )}
          {customer && <CustomerRoom key={customer.id} id={customer.id} name={customer.label} />}
        </div>
      </Panel>
      {editing && quota.data && <EditLimits quota={quota.data} onClose={() => setEditing(false)} />}
    </>
  );
}

/** What one customer's files take. */
function CustomerRoom({ id, name }: { id: string; name: string }) {
  const quota = useQuery(quotaQuery(id));
  const customer = quota.data?.customer;
  return (
    <>
      {quota.isPending && <Skeleton lines={1} />}
      <QueryFailure query={quota} />
      {customer && <Room name={name} used={customer.used_bytes} limit={customer.limit_bytes} />}
    </>
  );
}

function Room({ name, used, limit }: { name: string; used: number; limit: number }) {
  const t = messages.useT();
  const formats = useFormats();
  // Where nothing may be stored all is taken.
  const share = limit === 0 ? 1 : used / limit;
  return (
    <div className="stack-tight">
      <div className="row row-wrap">
        <strong>{name}</strong>
        <span className="spacer" />
        <span className="num">
          {t('storage.used', {
            used: formats.bytes(used),
            limit: formats.bytes(limit),
            share: formats.percent(share),
          })}
        </span>
      </div>
      <Meter share={share} tone={share >= 1 ? 'danger' : share >= NEARLY_FULL ? 'warn' : 'info'} />
    </div>
  );
}

function EditLimits({ quota, onClose }: { quota: AttachmentQuota; onClose: () => void }) {
  const t = messages.useT();
  const formats = useFormats();
  const [language] = useLanguage();
  const queries = useQueryClient();
  const { tenant, customer } = ATTACHMENT_QUOTA_BYTES;
  // What was shown when it was opened: a field that nobody touched is not sent.
  const [shown] = useState<Values>({
    limit_bytes: gibField(quota.limit_bytes, tenant, formats),
    customer_limit_bytes: gibField(quota.customer_limit_bytes, customer, formats),
  });
  const limitField = (name: string, label: string, platform: number) => ({
    name,
    label,
    hint: t('storage.hint', { room: formats.bytes(platform) }),
    maxLength: 20,
  });
  const changed = (values: Values) =>
    Object.fromEntries(
      Object.entries(values)
        .filter(([name, text]) => text !== shown[name])
        .map(([name, text]) => [name, readGib(text, language)]),
    );
  return (
    <EditDialog
      draft="storage"
      title={t('storage.edit')}
      fields={[
        limitField('limit_bytes', t('storage.limit'), tenant),
        limitField('customer_limit_bytes', t('storage.customer_limit'), customer),
      ]}
      values={shown}
      missing={t('name_missing')}
      conflict={t('conflict')}
      check={(values) =>
        Object.fromEntries(
          Object.entries(changed(values))
            .filter(([, bytes]) => bytes === undefined)
            .map(([name]) => [name, t('storage.bad')]),
        )
      }
      onSave={async (values) => {
        const limits = changed(values);
        if (Object.keys(limits).length === 0) return;
        try {
          await changeQuota(limits, quota.version);
          showToast('ok', t('saved', { name: t('storage') }));
        } finally {
          // After a refusal too: somebody else may have been faster.
          await queries.invalidateQueries({ queryKey: ['attachment_quota'] });
        }
      }}
      onClose={onClose}
    />
  );
}
