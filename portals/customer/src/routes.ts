import { onSignedOut } from '@psa/app/api/browser';
import { createQueryClient } from '@psa/app/api/query-client';
import { routesOf } from '@psa/app/pages';
import { toLogin } from '@psa/app/session/routes';
import { createBrowserRouter } from 'react-router';
import { PAGES } from './pages.ts';
import { PortalError } from './portal-error.tsx';

export const queries = createQueryClient();

export const router = createBrowserRouter(
  routesOf({
    queries,
    audience: 'customer',
    base: import.meta.env.BASE_URL,
    pages: PAGES,
    layout: () => import('./pages/layout.tsx'),
    rootError: PortalError,
  }),
  { basename: '/portal/' },
);

onSignedOut(() => toLogin(router, queries));
