import { api } from '@psa/ui/browser-api';
import { queryOptions } from '@tanstack/react-query';
import type { AssignmentRule, Calendar, Role, SlaPolicy, Team, Technician, User } from './types.ts';

/** All rows of a small collection (teams, technicians, rules): a hundred at a time, at most ten pages. */
async function all<T>(path: string, signal: AbortSignal, query: Record<string, string> = {}): Promise<T[]> {
  const rows: T[] = [];
  for (let page = 1; page <= 10; page += 1) {
    const { data } = await api.get<T[]>(path, { query: { ...query, limit: 100, page }, signal });
    rows.push(...data);
    if (data.length < 100) break;
  }
  return rows;
}

const collection = <T>(name: string, key: string, query?: Record<string, string>) =>
  queryOptions({
    queryKey: [key, 'list', query ?? {}],
    staleTime: 5 * 60_000,
    queryFn: ({ signal }) => all<T>(`/${name}`, signal, query),
  });

export const techniciansQuery = collection<Technician>('technicians', 'technician');
export const teamsQuery = collection<Team>('teams', 'team');
export const calendarsQuery = collection<Calendar>('calendars', 'calendar');
export const policiesQuery = collection<SlaPolicy>('sla-policies', 'sla_policy');
export const rulesQuery = collection<AssignmentRule>('assignment-rules', 'assignment_rule');
export const usersQuery = collection<User>('users', 'user');
export const rolesQuery = queryOptions({
  queryKey: ['role', 'list'],
  staleTime: 5 * 60_000,
  queryFn: async ({ signal }) => (await api.get<Role[]>('/roles', { query: { limit: 100 }, signal })).data,
});

export type DeskKind = 'technicians' | 'teams' | 'calendars' | 'sla-policies' | 'assignment-rules' | 'users';
export const createIn = async <T>(kind: DeskKind, body: object, idempotencyKey: string) =>
  (await api.post<T>(`/${kind}`, body, { idempotencyKey })).data;
export const changeIn = async <T>(kind: DeskKind, id: string, version: number, body: object) =>
  (await api.patch<T>(`/${kind}/${id}`, body, { ifMatch: `"${version}"` })).data;
export const removeIn = (kind: DeskKind, id: string, version: number) =>
  api.delete(`/${kind}/${id}`, { ifMatch: `"${version}"` });
