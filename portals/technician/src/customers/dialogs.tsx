import { kept } from '@psa/app/api/browser';
import { ApiError } from '@psa/app/api/error';
import type { BodyOf, Fields } from '@psa/app/api/typed';
import type { Contact, Customer, CustomerView, Site } from '@psa/app/api/types';
import { DeleteAction } from '@psa/app/components/delete-action';
import { may, useMe } from '@psa/app/session/session';
import { readTags } from '@psa/contracts/tags';
import { showToast } from '@psa/ui/toast-store';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { policiesQuery, techniciansQuery } from '../api/desk.ts';
import { EditDialog, type EditField, orNull, type Values } from '../components/edit-dialog.tsx';
import { messages } from '../i18n/customer-messages.ts';

interface Row {
  id: string;
  name: string;
  version: number;
}

type Path = '/customers' | '/contacts' | '/sites';
interface Saved {
  '/customers': Customer;
  '/contacts': Contact;
  '/sites': Site;
}

/** Saving and deleting of one kind, with what follows: message, fresh data. */
function useSaving<P extends Path>(path: P, row: Row | null) {
  const t = messages.useT();
  const queries = useQueryClient();
  const refresh = () => queries.invalidateQueries({ queryKey: ['customer'] });
  return {
    save: async (body: Fields<BodyOf<`POST ${P}`>>, key: string): Promise<Saved[P]> => {
      try {
        const saved: Row = row
          ? await kept.change<Path>(path, row.id, row.version, body)
          : await kept.create<Path>(path, body, key);
        showToast('ok', t('saved', { name: saved.name }));
        await refresh();
        return saved as Saved[P];
      } catch (error) {
        // The page behind shows the newest state, and the next try is made on it.
        if (error instanceof ApiError && error.status === 412) await refresh();
        throw error;
      }
    },
    remove: async () => {
      if (!row) return;
      await kept.remove(path, row.id, row.version);
      showToast('ok', t('deleted', { name: row.name }));
      await refresh();
    },
  };
}

export function CustomerDialog(props: {
  customer: Customer | null;
  onClose: () => void;
  onSaved?: (customer: Customer) => void;
  onDeleted?: () => void;
}) {
  const t = messages.useT();
  const me = useMe();
  const { customer } = props;
  const saving = useSaving('/customers', customer);
  const { data: technicians = [] } = useQuery(techniciansQuery);
  const { data: policies = [] } = useQuery({ ...policiesQuery, enabled: may(me, 'desk:view') });
  const fields: EditField[] = [
    { name: 'name', label: t('name'), required: true },
    {
      name: 'status',
      label: t('status'),
      kind: 'select',
      options: (['active', 'prospect', 'inactive'] as const).map((value) => ({
        value,
        label: t(`status.${value}`),
      })),
    },
    { name: 'email', label: t('email'), kind: 'email', maxLength: 254 },
    { name: 'phone', label: t('phone'), maxLength: 50 },
    { name: 'website', label: t('website'), maxLength: 500 },
    { name: 'tags', label: t('tags'), hint: t('tags_hint'), maxLength: 2000 },
    {
      name: 'preferred_technician_id',
      label: t('technician'),
      kind: 'select',
      options: [
        { value: '', label: t('none') },
        ...technicians.map(({ id, name }) => ({ value: id, label: name })),
      ],
    },
    {
      name: 'sla_policy_id',
      label: t('policy'),
      kind: 'select',
      options: [
        { value: '', label: t('policy_default') },
        ...policies.map(({ id, name }) => ({ value: id, label: name })),
      ],
    },
    { name: 'notes', label: t('notes'), kind: 'text' },
  ];
  const body = (v: Values) => ({
    name: v.name?.trim(),
    status: v.status,
    email: orNull(v.email),
    phone: orNull(v.phone),
    website: withScheme(orNull(v.website)),
    notes: orNull(v.notes),
    tags: readTags(v.tags ?? ''),
    preferred_technician_id: orNull(v.preferred_technician_id),
    sla_policy_id: orNull(v.sla_policy_id),
  });
  return (
    <EditDialog
      draft={`customer.${customer?.id ?? 'new'}`}
      title={t(customer ? 'edit_customer' : 'new')}
      fields={fields}
      values={{
        name: customer?.name ?? '',
        status: customer?.status ?? 'active',
        email: customer?.email ?? '',
        phone: customer?.phone ?? '',
        website: customer?.website ?? '',
        notes: customer?.notes ?? '',
        tags: customer?.tags.join(', ') ?? '',
        preferred_technician_id: customer?.preferred_technician_id ?? '',
        sla_policy_id: customer?.sla_policy_id ?? '',
      }}
      missing={t('name_missing')}
      conflict={t('conflict')}
      onClose={props.onClose}
      onSave={async (values, key) => props.onSaved?.(await saving.save(body(values), key))}
      extra={
        customer &&
        may(me, 'customer:delete') && (
          <DeleteAction
            question={t('delete_sure', { name: customer.name })}
            onDelete={() => saving.remove().then(() => props.onDeleted?.())}
          />
        )
      }
    />
  );
}

/** People type `example.org`; the API wants an address. */
const withScheme = (url: string | null) => (url && !/^https?:\/\//i.test(url) ? `https://${url}` : url);

export function ContactDialog(props: {
  customer: CustomerView;
  contact: Contact | null;
  onClose: () => void;
}) {
  const t = messages.useT();
  const me = useMe();
  const { customer, contact } = props;
  const saving = useSaving('/contacts', contact);
  const fields: EditField[] = [
    { name: 'name', label: t('name'), required: true },
    { name: 'email', label: t('email'), kind: 'email', maxLength: 254 },
    { name: 'phone', label: t('phone'), maxLength: 50 },
    { name: 'position', label: t('position'), maxLength: 100 },
    {
      name: 'site_id',
      label: t('site'),
      kind: 'select',
      options: [
        { value: '', label: t('no_site') },
        ...(customer.sites ?? []).map(({ id, name }) => ({ value: id, label: name })),
      ],
    },
    { name: 'is_primary', label: t('primary'), kind: 'boolean' },
    { name: 'notes', label: t('notes'), kind: 'text' },
  ];
  return (
    <EditDialog
      draft={`contact.${contact?.id ?? `new.${customer.id}`}`}
      title={contact ? t('edit_contact', { name: contact.name }) : t('add_contact')}
      fields={fields}
      values={{
        name: contact?.name ?? '',
        email: contact?.email ?? '',
        phone: contact?.phone ?? '',
        position: contact?.position ?? '',
        site_id: contact?.site_id ?? '',
        is_primary: contact?.is_primary ? 'on' : '',
        notes: contact?.notes ?? '',
      }}
      missing={t('name_missing')}
      conflict={t('conflict')}
      onClose={props.onClose}
      onSave={(v, key) =>
        saving.save(
          {
            ...(contact ? {} : { customer_id: customer.id }),
            name: v.name?.trim(),
            email: orNull(v.email),
            phone: orNull(v.phone),
            position: orNull(v.position),
            site_id: orNull(v.site_id),
            is_primary: v.is_primary === 'on',
            notes: orNull(v.notes),
          },
          key,
        )
      }
      extra={
        contact &&
        may(me, 'contact:delete') && (
          <DeleteAction
            question={t('delete_sure', { name: contact.name })}
            onDelete={() => saving.remove().then(props.onClose)}
          />
        )
      }
    />
  );
}

export function SiteDialog(props: { customerId: string; site: Site | null; onClose: () => void }) {
  const t = messages.useT();
  const me = useMe();
  const { site } = props;
  const saving = useSaving('/sites', site);
  return (
    <EditDialog
      draft={`site.${site?.id ?? `new.${props.customerId}`}`}
      title={site ? t('edit_contact', { name: site.name }) : t('add_site')}
      fields={[
        { name: 'name', label: t('name'), required: true },
        { name: 'street', label: t('street') },
        { name: 'postal_code', label: t('postal_code'), maxLength: 20 },
        { name: 'city', label: t('city'), maxLength: 100 },
        { name: 'country', label: t('country'), hint: t('country_hint'), maxLength: 2 },
        { name: 'time_zone', label: t('time_zone'), maxLength: 64 },
      ]}
      values={{
        name: site?.name ?? '',
        street: site?.street ?? '',
        postal_code: site?.postal_code ?? '',
        city: site?.city ?? '',
        country: site?.country ?? 'DE',
        time_zone: site?.time_zone ?? 'Europe/Berlin',
      }}
      missing={t('name_missing')}
      conflict={t('conflict')}
      onClose={props.onClose}
      onSave={(v, key) =>
        saving.save(
          {
            ...(site ? {} : { customer_id: props.customerId }),
            name: v.name?.trim(),
            street: orNull(v.street),
            postal_code: orNull(v.postal_code),
            city: orNull(v.city),
            country: orNull(v.country)?.toUpperCase() ?? null,
            time_zone: orNull(v.time_zone),
          },
          key,
        )
      }
      extra={
        site &&
        may(me, 'customer:update') && (
          <DeleteAction
            question={t('delete_sure', { name: site.name })}
            onDelete={() => saving.remove().then(props.onClose)}
          />
        )
      }
    />
  );
}
