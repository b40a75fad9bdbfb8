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
      { path: '/forgot-password', lazy: () => import('./pages/forgot-password-page.tsx') },
      { path: '/reset-password', lazy: () => import('./pages/reset-password-page.tsx') },
      { path: '/setup', lazy: () => import('./pages/setup-page.tsx') },
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
              { path: 'tickets/new', lazy: () => import('./pages/new-ticket-page.tsx') },
              { path: 'tickets/:id', lazy: () => import('./pages/ticket-page.tsx') },
              { path: 'customers', lazy: () => import('./pages/customer-list-page.tsx') },
              { path: 'customers/import', lazy: () => import('./pages/customer-import-page.tsx') },
              { path: 'customers/:id', lazy: () => import('./pages/customer-page.tsx') },
              { path: 'search', lazy: () => import('./pages/search-page.tsx') },
              { path: 'settings', lazy: () => import('./pages/settings-page.tsx') },
              { path: 'settings/:section', lazy: () => import('./pages/settings-page.tsx') },
              { path: '*', Component: NotFound },
            ],
          },
        ],
      },
    ],
  },
]);

onSignedOut(() => toLogin(router, queries));
