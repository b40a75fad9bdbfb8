import { onSignedOut } from '@psa/ui/browser-api';
import { NotFound, RouteError } from '@psa/ui/components/route-error';
import { createQueryClient } from '@psa/ui/query-client';
import { sessionLoaders, toLogin } from '@psa/ui/session-routes';
import { createBrowserRouter } from 'react-router';

export const queries = createQueryClient();
const { requireSession, skipLogin } = sessionLoaders(queries, 'staff', import.meta.env.BASE_URL);

/** Every page is a chunk of its own; `lazy` gives `Component` and, where it loads data, `loader`. */
export const router = createBrowserRouter([
  {
    ErrorBoundary: RouteError,
    HydrateFallback: () => null,
    children: [
      { path: '/login', loader: skipLogin, lazy: () => import('./pages/login-page.tsx') },
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
              { index: true, lazy: () => import('./pages/dashboard-page.tsx') },
              { path: 'tickets', lazy: () => import('./pages/ticket-list-page.tsx') },
              { path: '*', Component: NotFound },
            ],
          },
        ],
      },
    ],
  },
]);

onSignedOut(() => toLogin(router, queries));
