import type { Permission } from '@psa/contracts/permissions';
import { onSignedOut } from '@psa/ui/browser-api';
import { NotFound, RouteError } from '@psa/ui/components/route-error';
import { createQueryClient } from '@psa/ui/query-client';
import { may, sessionQuery } from '@psa/ui/session';
import { sessionLoaders, toLogin } from '@psa/ui/session-routes';
import { createBrowserRouter, data } from 'react-router';

export const queries = createQueryClient();
const { requireSession, skipLogin } = sessionLoaders(queries, 'customer', import.meta.env.BASE_URL);

async function requirePermission(permission: Permission): Promise<null> {
  const me = await queries.ensureQueryData(sessionQuery);
  if (me && !may(me, permission)) throw data(null, { status: 404 });
  return null;
}

/** Every page is a chunk of its own; `lazy` gives `Component` and, where it loads data, `loader`. */
export const router = createBrowserRouter(
  [
    {
      ErrorBoundary: RouteError,
      HydrateFallback: () => null,
      children: [
        { path: '/login', loader: skipLogin, lazy: () => import('./pages/login-page.tsx') },
        { path: '/forgot-password', lazy: () => import('./pages/forgot-password-page.tsx') },
        { path: '/reset-password', lazy: () => import('./pages/reset-password-page.tsx') },
        {
          path: '/',
          loader: requireSession,
          // The session is checked again when somebody navigates after it was lost, not on every click.
          shouldRevalidate: () => false,
          lazy: () => import('./pages/layout.tsx'),
          children: [
            {
              ErrorBoundary: RouteError,
              children: [
                { index: true, lazy: () => import('./pages/tickets-page.tsx') },
                { path: 'new', lazy: () => import('./pages/new-ticket-page.tsx') },
                { path: 'tickets/:id', lazy: () => import('./pages/ticket-page.tsx') },
                {
                  path: 'contacts',
                  // The server would refuse it; who may not see it is told so by "not found".
                  loader: () => requirePermission('contact:view'),
                  lazy: () => import('./pages/contacts-page.tsx'),
                },
                { path: 'account', lazy: () => import('./pages/account-page.tsx') },
                { path: '*', Component: NotFound },
              ],
            },
          ],
        },
      ],
    },
  ],
  { basename: '/portal/' },
);

onSignedOut(() => toLogin(router, queries));
