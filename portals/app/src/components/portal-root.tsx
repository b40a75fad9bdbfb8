import { useLanguage } from '@psa/ui/i18n/i18n';
import { type QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { type ComponentProps, StrictMode } from 'react';
import { I18nProvider } from 'react-aria-components/I18nProvider';
import { createRoot } from 'react-dom/client';
import { RouterProvider } from 'react-router/dom';
import { noteLostCode } from '../lost-code.ts';

type Router = ComponentProps<typeof RouterProvider>['router'];

function PortalRoot({ router, queries }: { router: Router; queries: QueryClient }) {
  const [language] = useLanguage();
  return (
    <I18nProvider locale={language === 'de' ? 'de-DE' : 'en-GB'}>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </I18nProvider>
  );
}

/** Starts a portal in `#root`. */
export function startPortal(router: Router, queries: QueryClient): void {
  const element = document.getElementById('root');
  if (!element) throw new Error('Unable to start: the page has no #root');
  noteLostCode();
  createRoot(element).render(
    <StrictMode>
      <PortalRoot router={router} queries={queries} />
    </StrictMode>,
  );
}
