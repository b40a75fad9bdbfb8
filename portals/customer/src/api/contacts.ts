import { api } from '@psa/ui/browser-api';
import { infiniteQueryOptions, keepPreviousData } from '@tanstack/react-query';
import type { Contact, ContactFields, Tagged } from './types.ts';

/** People of the own company by name. */
export const contactsQuery = (search: string) =>
  infiniteQueryOptions({
    queryKey: ['contact', 'list', search],
    initialPageParam: undefined as string | undefined,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal, pageParam }) => {
      const { data, meta } = await api.get<Contact[]>('/contacts', {
        query: { search, limit: 50, cursor: pageParam },
        signal,
      });
      return { rows: data, next: meta?.next_cursor ?? undefined };
    },
    getNextPageParam: (page) => page.next,
  });

export async function fetchContact(id: string): Promise<Tagged<Contact>> {
  const { data, etag } = await api.get<Contact>(`/contacts/${id}`);
  return { data, etag };
}
export const createContact = async (fields: ContactFields, idempotencyKey: string) =>
  (await api.post<Contact>('/contacts', fields, { idempotencyKey })).data;
/** @throws ApiError 412 when somebody else changed the contact since `etag` */
export const changeContact = async (id: string, fields: ContactFields, etag: string | null) =>
  (await api.patch<Contact>(`/contacts/${id}`, fields, { ifMatch: etag })).data;
