import { grants, type Permission } from '@psa/contracts/permissions';
import { clearToasts } from '@psa/ui/toast-store';
import { type QueryClient, queryOptions, useQuery } from '@tanstack/react-query';
import { useRef } from 'react';
import { api } from '../api/browser.ts';
import { ApiError } from '../api/error.ts';
import type { Me } from '../api/types.ts';

export type { Me };

/** Who is signed in; null when nobody is. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  staleTime: 5 * 60_000,
  queryFn: async ({ signal }): Promise<Me | null> => {
    if (!api.mayBeSignedIn()) return null;
    try {
      return (await api.get('/auth/me', { signal })).data;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null;
      throw error;
    }
  },
});

/** The signed-in user inside pages behind `requireSession`. */
export function useMe(): Me {
  const { data } = useQuery(sessionQuery);
  // Signing out empties the query while the page still stands for a moment: it keeps whom it had.
  const last = useRef(data);
  if (data) last.current = data;
  if (!last.current) throw new Error('Unable to read the session: this page is not behind requireSession');
  return last.current;
}

/** True when `me` may do `wanted`; hides what the server would refuse anyway. */
export function may(me: Me, wanted: Permission): boolean {
  return grants(new Set(me.permissions), wanted);
}

/** Signs in with cookies. @throws ApiError INVALID_CREDENTIALS, ACCOUNT_LOCKED, RATE_LIMIT_EXCEEDED, … */
export async function signIn(queries: QueryClient, email: string, password: string): Promise<Me> {
  const { data } = await api.post(
    '/auth/login',
    { email, password, session: 'cookie' },
    { renewSession: false },
  );
  queries.clear();
  queries.setQueryData(sessionQuery.queryKey, data.user);
  return data.user;
}

/** Signs out here and on the server; the local state goes even when the server cannot be reached. */
export async function signOut(queries: QueryClient): Promise<void> {
  try {
    await api.post('/auth/logout', {}, { renewSession: false });
  } finally {
    clearToasts();
    queries.clear();
    queries.setQueryData(sessionQuery.queryKey, null);
  }
}

/** Paths of the two portals; everyone lands in their own. */
const PORTAL_OF: Record<Me['audience'], string> = { staff: '/', customer: '/portal/' };

/** Where `me` belongs if not in the portal of `audience`; null when right here. */
export function otherPortal(me: Me, audience: Me['audience']): string | null {
  return me.audience === audience ? null : PORTAL_OF[me.audience];
}

/**
 * A path inside this portal from a `?next=` value: nothing that leaves the origin (`//host`, `/\host`,
 * `https:`) and not the login page itself; otherwise '/'.
 */
export function safeNext(next: string | null): string {
  if (!next || !/^\/(?![/\\])/.test(next)) return '/';
  // Tabs and line breaks are dropped by URL parsers, which would turn "/\t/host" into "//host".
  if ([...next].some((c) => c.charCodeAt(0) < 32)) return '/';
  return next === '/login' || next.startsWith('/login?') ? '/' : next;
}
