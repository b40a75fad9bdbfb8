import { api } from '@psa/app/api/browser';
import type { BodyOf, DataOf } from '@psa/app/api/typed';
import {
  type ApiKey,
  type AssignmentRule,
  type AttachmentQuota,
  type Calendar,
  type Category,
  type Role,
  type SlaPolicy,
  type Team,
  type Technician,
  type User,
  whole,
} from '@psa/app/api/types';
import type { HolidayRegion } from '@psa/contracts/holidays';
import { isTimeZone } from '@psa/contracts/time-zones';
import { queryOptions } from '@tanstack/react-query';

/** What the settings keep, by the path of its collection. */
interface Kept {
  '/technicians': Technician;
  '/teams': Team;
  '/calendars': Calendar;
  '/categories': Category;
  '/sla-policies': SlaPolicy;
  '/assignment-rules': AssignmentRule;
  '/users': User;
}
type Collection = keyof Kept;

/** All rows of a small collection: a hundred at a time, at most ten pages. */
async function all<P extends Collection>(path: P, signal: AbortSignal): Promise<Kept[P][]> {
  const rows: Kept[P][] = [];
  for (let page = 1; page <= 10; page += 1) {
    const { data } = await api.get<Collection>(path, { query: { limit: 100, page }, signal });
    rows.push(...whole<Kept[P]>(data as Partial<Kept[P]>[]));
    if (data.length < 100) break;
  }
  return rows;
}

const collection = <P extends Collection>(path: P, key: string) =>
  queryOptions({
    queryKey: [key, 'list'],
    staleTime: 5 * 60_000,
    queryFn: ({ signal }) => all(path, signal),
  });

export const techniciansQuery = collection('/technicians', 'technician');
export const teamsQuery = collection('/teams', 'team');
export const calendarsQuery = collection('/calendars', 'calendar');
/** The desk's own list, which customers choose from too. */
export const categoriesQuery = collection('/categories', 'category');
export const policiesQuery = collection('/sla-policies', 'sla_policy');
export const rulesQuery = collection('/assignment-rules', 'assignment_rule');
export const usersQuery = collection('/users', 'user');
export const rolesQuery = queryOptions({
  queryKey: ['role', 'list'],
  staleTime: 5 * 60_000,
  queryFn: async ({ signal }) =>
    whole<Role>((await api.get('/roles', { query: { limit: 100 }, signal })).data),
});

/** Every permission that a role can hold, of the services that run. */
export const permissionsQuery = queryOptions({
  queryKey: ['role', 'permissions'],
  staleTime: 5 * 60_000,
  queryFn: async ({ signal }) => (await api.get('/roles/permissions', { signal })).data,
});

/** The own keys, or those of everybody, newest first. */
export const apiKeysQuery = (everybody: boolean) =>
  queryOptions({
    queryKey: ['api_key', 'list', everybody],
    queryFn: async ({ signal }) => {
      const query = { ...(everybody ? { user_id: 'all' as const } : {}), limit: 100 };
      return whole<ApiKey>((await api.get('/api-keys', { query, signal })).data);
    },
  });
/** The answer has the key itself, this once. */
export const createApiKey = async (key: BodyOf<'POST /api-keys'>) => (await api.post('/api-keys', key)).data;
export const revokeApiKey = (id: string) => api.delete('/api-keys/{id}', { path: { id } });

/** How the backups of the appliance are, as psactl reported it last. */
export const backupReportsQuery = queryOptions({
  queryKey: ['backup', 'reports'],
  refetchInterval: 60_000,
  queryFn: async ({ signal }) => (await api.get('/backups', { signal })).data,
});

/** Room that files take and may take; of a customer too where one is given. */
export const quotaQuery = (customerId: string | null) =>
  queryOptions({
    queryKey: ['attachment_quota', customerId],
    queryFn: async ({ signal }): Promise<AttachmentQuota> =>
      (
        await api.get('/attachment-quota', {
          query: customerId === null ? {} : { customer_id: customerId },
          signal,
        })
      ).data,
  });
/** @throws ApiError 412 when somebody changed the limits since `version` */
export const changeQuota = (limits: BodyOf<'PATCH /attachment-quota'>, version: number) =>
  api.patch('/attachment-quota', limits, { ifMatch: `"${version}"` });

/** Days off to choose from; `only_in` names a part of the region. */
export type FoundHolidays = DataOf<'POST /calendars/read-ics'>;

/** Public holidays of a region, of this year and the next two. */
export async function holidaysOfRegion(region: HolidayRegion): Promise<FoundHolidays> {
  const { data } = await api.get('/calendars/public-holidays', { query: { region } });
  return { holidays: data, skipped: [], skipped_count: 0 };
}

/** The days off in an iCalendar file. @throws ApiError 400 when it is none, 413 when it is too large */
export const holidaysOfFile = async (file: Blob, timeZone: string): Promise<FoundHolidays> =>
  (
    await api.post('/calendars/read-ics', new Blob([file], { type: 'text/calendar' }), {
      query: isTimeZone(timeZone) ? { time_zone: timeZone } : {},
    })
  ).data;
