import { api } from '@psa/ui/browser-api';
import type { ComboOption } from '@psa/ui/components/combo-box';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { Contact, CsvImportReport, Customer, CustomerView, Site, Tagged } from './types.ts';

export const customerQuery = (id: string) =>
  queryOptions({
    queryKey: ['customer', id],
    queryFn: async ({ signal }): Promise<Tagged<CustomerView>> => {
      const { data, etag } = await api.get<CustomerView>(`/customers/${id}`, {
        query: { include: 'sites,contacts' },
        signal,
      });
      return { data, etag };
    },
  });

export const customerListQuery = (query: Record<string, string | number | undefined>) =>
  queryOptions({
    queryKey: ['customer', 'list', query],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const { data, meta } = await api.get<Customer[]>('/customers', { query, signal });
      return { rows: data, meta };
    },
  });

/** Options of a customer field. */
export async function findCustomers(text: string, signal: AbortSignal): Promise<ComboOption[]> {
  const { data } = await api.get<Customer[]>('/customers', {
    query: {
      search: text.trim(),
      limit: 20,
      fields: 'name,customer_number',
      sort: text.trim() ? '' : 'name',
    },
    signal,
  });
  return data.map((c) => ({ id: c.id, label: c.name, detail: `K${c.customer_number}` }));
}

/** Options of a contact field within one customer. */
export async function findContacts(
  customerId: string,
  text: string,
  signal: AbortSignal,
): Promise<ComboOption[]> {
  const { data } = await api.get<Contact[]>('/contacts', {
    query: { customer_id: customerId, search: text.trim(), limit: 20 },
    signal,
  });
  return data.map((c) => ({ id: c.id, label: c.name, ...(c.email ? { detail: c.email } : {}) }));
}

export type Kind = 'customers' | 'contacts' | 'sites';
interface OfKind {
  customers: Customer;
  contacts: Contact;
  sites: Site;
}
export const create = async <K extends Kind>(kind: K, body: object, idempotencyKey: string) =>
  (await api.post<OfKind[K]>(`/${kind}`, body, { idempotencyKey })).data;
/** Change of one row; the tag is made of the version that was shown. */
export const change = async <K extends Kind>(kind: K, id: string, version: number, body: object) =>
  (await api.patch<OfKind[K]>(`/${kind}/${id}`, body, { ifMatch: `"${version}"` })).data;
export const remove = (kind: Kind, id: string, version: number) =>
  api.delete(`/${kind}/${id}`, { ifMatch: `"${version}"` });

/** Sends a CSV file; with `dryRun` nothing is written and the report says what would be. */
export async function importCsv(file: File, dryRun: boolean): Promise<CsvImportReport> {
  const body = new Blob([file], { type: 'text/csv' });
  const { data } = await api.post<CsvImportReport>('/customers/import-csv', body, {
    query: { dry_run: dryRun },
    timeout: 300_000,
  });
  return data;
}
