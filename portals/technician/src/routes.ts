import { onSignedOut } from '@psa/app/api/browser';
import { createQueryClient } from '@psa/app/api/query-client';
import { portalRouter } from '@psa/app/pages';
import { toLogin } from '@psa/app/session/routes';
import { PAGES } from './pages.ts';
import { PortalError } from './portal-error.tsx';

export const queries = createQueryClient();

export const router = portalRouter({
  queries,
  audience: 'staff',
  base: import.meta.env.BASE_URL,
  pages: PAGES,
  layout: () => import('./pages/layout.tsx'),
  rootError: PortalError,
});

onSignedOut(() => toLogin(router, queries));
