import type { QueryClient } from '@tanstack/react-query';
import { type LoaderFunctionArgs, redirect, redirectDocument } from 'react-router';
import { type Me, otherPortal, safeNext, sessionQuery } from './session.ts';

/** Path of the request inside the portal, without its base. */
function pathInside(request: Request, base: string): string {
  const { pathname, search } = new URL(request.url);
  const prefix = base.replace(/\/$/, '');
  return (pathname.startsWith(prefix) ? pathname.slice(prefix.length) || '/' : pathname) + search;
}

/**
 * Loaders that keep a portal to its own people. `base` is the portal's path ('/' or '/portal/').
 * `requireSession` sends the signed-out to the login page, and everyone else to the portal that is theirs.
 */
export function sessionLoaders(queries: QueryClient, audience: Me['audience'], base: string) {
  return {
    async requireSession({ request }: LoaderFunctionArgs): Promise<Me> {
      const me = await queries.ensureQueryData(sessionQuery);
      if (!me) {
        const path = pathInside(request, base);
        throw redirect(path === '/' ? '/login' : `/login?next=${encodeURIComponent(path)}`);
      }
      const elsewhere = otherPortal(me, audience);
      if (elsewhere) throw redirectDocument(new URL(elsewhere, request.url).href);
      return me;
    },
    /** For the login page: who is signed in already goes on. An unreachable server must not hide the form. */
    async skipLogin({ request }: LoaderFunctionArgs): Promise<null> {
      const me = await queries.ensureQueryData(sessionQuery).catch(() => null);
      if (!me) return null;
      const elsewhere = otherPortal(me, audience);
      if (elsewhere) throw redirectDocument(new URL(elsewhere, request.url).href);
      throw redirect(safeNext(new URL(request.url).searchParams.get('next')));
    },
  };
}

/** The session is lost: forget what was loaded and ask to sign in again, then come back here. */
export function toLogin(
  router: {
    state: { location: { pathname: string; search: string } };
    navigate(to: string): Promise<void>;
    basename?: string | undefined;
  },
  queries: QueryClient,
): void {
  const base = (router.basename ?? '/').replace(/\/$/, '');
  const { pathname, search } = router.state.location;
  const inside = pathname.startsWith(base) ? pathname.slice(base.length) || '/' : pathname;
  if (inside === '/login') return;
  queries.setQueryData(sessionQuery.queryKey, null);
  void router.navigate(`/login?reason=expired&next=${encodeURIComponent(inside + search)}`);
}
