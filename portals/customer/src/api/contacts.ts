import { api } from '@psa/app/api/browser';
import { type Contact, type ContactFields, type Tagged, whole, wholeOne } from '@psa/app/api/types';
import { infiniteQueryOptions, keepPreviousData } from '@tanstack/react-query';

/** People of the own company by name. */
export const contactsQuery = (search: string) =>
  infiniteQueryOptions({
    queryKey: ['contact', 'list', search],
    initialPageParam: undefined as string | undefined,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal, pageParam: cursor }) => {
      const { data, meta } = await api.get('/contacts', {
        query: { search, limit: 50, ...(cursor === undefined ? {} : { cursor }) },
        signal,
      });
      return { rows: whole<Contact>(data), next: meta.next_cursor ?? undefined };
    },
    getNextPageParam: (page) => page.next,
  });

export async function fetchContact(id: string): Promise<Tagged<Contact>> {
  const { data, etag } = await api.get('/contacts/{id}', { path: { id } });
  return { data: wholeOne<Contact>(data), etag };
}
export const createContact = async (fields: ContactFields & { name: string }, idempotencyKey: string) =>
  (await api.post('/contacts', fields, { idempotencyKey })).data;
/** @throws ApiError 412 when somebody else changed the contact since `etag` */
export const changeContact = async (id: string, fields: ContactFields, etag: string | null) =>
  (await api.patch('/contacts/{id}', fields, { path: { id }, ifMatch: etag })).data;
