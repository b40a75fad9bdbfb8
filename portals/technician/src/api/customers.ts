import { api } from '@psa/app/api/browser';
import type { QueryOf } from '@psa/app/api/typed';
import {
  type Contact,
  type CsvImportReport,
  type CsvKind,
  type Customer,
  type CustomerView,
  type ImportChoice,
  type Tagged,
  whole,
  wholeOne,
} from '@psa/app/api/types';
import type { ComboOption } from '@psa/ui/components/combo-box';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { searchAll } from './search.ts';

export const customerQuery = (id: string) =>
  queryOptions({
    queryKey: ['customer', id],
    queryFn: async ({ signal }): Promise<Tagged<CustomerView>> => {
      const { data, etag } = await api.get('/customers/{id}', {
        path: { id },
        query: { include: 'sites,contacts' },
        signal,
      });
      return { data: wholeOne<CustomerView>(data), etag };
    },
  });

export const customerListQuery = (query: QueryOf<'GET /customers'>) =>
  queryOptions({
    queryKey: ['customer', 'list', query],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const { data, meta } = await api.get('/customers', { query, signal });
      return { rows: whole<Customer>(data), meta };
    },
  });

/** Options of a customer field. */
export async function findCustomers(text: string, signal: AbortSignal): Promise<ComboOption[]> {
  const search = text.trim();
  const { data } = await api.get('/customers', {
    query: { limit: 20, fields: 'name,customer_number', ...(search ? { search } : { sort: 'name' }) },
    signal,
  });
  const found = whole<Pick<Customer, 'id' | 'name' | 'customer_number'>>(data).map((c) => ({
    id: c.id,
    label: c.name,
    detail: `K${c.customer_number}`,
  }));
  return found.length > 0 || search.length < SHORTEST_CORRECTED ? found : similarCustomers(search, signal);
}

/** Shorter words are too like too many others to be corrected. */
const SHORTEST_CORRECTED = 4;

/** The list takes letters as they are typed; the search knows the words that they may have meant. */
async function similarCustomers(search: string, signal: AbortSignal): Promise<ComboOption[]> {
  // Who may not search, or cannot just now, has what the list found: nothing.
  const { hits } = await searchAll(search, signal, { types: 'customer', limit: 20 }).catch(() => ({
    hits: [],
  }));
  return hits.map(({ id, title, summary }) => ({
    id,
    label: title,
    detail: `K${String(summary.customer_number ?? '')}`,
  }));
}

/** Options of a contact field within one customer. */
export async function findContacts(
  customerId: string,
  text: string,
  signal: AbortSignal,
): Promise<ComboOption[]> {
  const { data } = await api.get('/contacts', {
    query: { customer_id: customerId, search: text.trim(), limit: 20 },
    signal,
  });
  return whole<Contact>(data).map((c) => ({
    id: c.id,
    label: c.name,
    ...(c.email ? { detail: c.email } : {}),
  }));
}

/** What a CSV file holds; the customer of all its rows where they name none. */
export interface CsvTarget {
  readonly kind: CsvKind;
  readonly customerId: string | null;
}

/**
 * Sends a CSV file; with `dryRun` nothing is written and the report says what would be. `confirmed` are the lines
 * whose record was not found for sure and is the one.
 */
export async function importCsv(
  { kind, customerId }: CsvTarget,
  file: File,
  dryRun: boolean,
  confirmed: ReadonlySet<number> | 'all' = new Set(),
): Promise<CsvImportReport> {
  const body = new Blob([file], { type: 'text/csv' });
  const confirm = confirmed === 'all' ? 'all' : [...confirmed].join(',');
  const query = { dry_run: dryRun, ...(confirm === '' ? {} : { confirm }) };
  const timeout = 300_000;
  if (kind === 'customers') return (await api.post('/customers/import-csv', body, { query, timeout })).data;
  const ofOne = { ...query, ...(customerId === null ? {} : { customer_id: customerId }) };
  const path = kind === 'contacts' ? '/contacts/import-csv' : '/sites/import-csv';
  return (await api.post(path, body, { query: ofOne, timeout })).data;
}

/** Remembers what headings mean in files that have the same, for everybody of the tenant. */
export const chooseImportColumns = (kind: CsvKind, headings: string[], choices: ImportChoice[]) =>
  api.patch(IMPORT_COLUMNS_PATH[kind], { headings, choices });

const IMPORT_COLUMNS_PATH = {
  customers: '/customers/import-columns',
  contacts: '/contacts/import-columns',
  sites: '/sites/import-columns',
} as const satisfies Record<CsvKind, string>;
