import { clearToasts } from '@psa/ui/toast-store';
import type { QueryClient } from '@tanstack/react-query';
import { type Place, redirect, redirectDocument } from '../router/engine.ts';
import type { PortalRouter } from '../router.tsx';
import { type Me, otherPortal, safeNext, sessionQuery } from './session.ts';

/**
 * Loaders that keep a portal to its own people.
 * `requireSession` sends the signed-out to the login page, and everyone else to the portal that is theirs.
 */
export function sessionLoaders(queries: QueryClient, audience: Me['audience']) {
  return {
    async requireSession({ pathname, search }: Place): Promise<Me> {
      const me = await queries.ensureQueryData(sessionQuery);
      if (!me) {
        const path = pathname + search;
        throw redirect(path === '/' ? '/login' : `/login?next=${encodeURIComponent(path)}`);
      }
      const elsewhere = otherPortal(me, audience);
      if (elsewhere) throw redirectDocument(elsewhere);
      return me;
    },
    /** For the login page: who is signed in already goes on. An unreachable server must not hide the form. */
    async skipLogin({ search }: Place): Promise<void> {
      const me = await queries.ensureQueryData(sessionQuery).catch(() => null);
      if (!me) return;
      const elsewhere = otherPortal(me, audience);
      if (elsewhere) throw redirectDocument(elsewhere);
      throw redirect(safeNext(new URLSearchParams(search).get('next')));
    },
  };
}

/** The session is lost: forget what was loaded and ask to sign in again, then come back here. */
export function toLogin(router: PortalRouter, queries: QueryClient): void {
  const { pathname, search } = router.state.place;
  if (pathname === '/login') return;
  queries.setQueryData(sessionQuery.queryKey, null);
  clearToasts();
  void router.navigate(`/login?reason=expired&next=${encodeURIComponent(pathname + search)}`);
}
