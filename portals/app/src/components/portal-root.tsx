import { useLanguage } from '@psa/ui/i18n/i18n';
import { type QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { type ComponentType, StrictMode } from 'react';
import { I18nProvider } from 'react-aria-components/I18nProvider';
import { createRoot } from 'react-dom/client';
import { noteLostCode } from '../lost-code.ts';
import { type PortalRouter, RouterView } from '../router.tsx';
import { Starting } from './route-error.tsx';

interface Portal {
  router: PortalRouter;
  queries: QueryClient;
  /** Shows an error that comes before the frame: a RootError with the portal's brand. */
  rootError: ComponentType;
}

function PortalRoot({ router, queries, rootError }: Portal) {
  const [language] = useLanguage();
  return (
    <I18nProvider locale={language === 'de' ? 'de-DE' : 'en-GB'}>
      <QueryClientProvider client={queries}>
        <RouterView router={router} Waiting={Starting} Problem={rootError} />
      </QueryClientProvider>
    </I18nProvider>
  );
}

/** Starts a portal in `#root`. */
export function startPortal(portal: Portal): void {
  const element = document.getElementById('root');
  if (!element) throw new Error('Unable to start: the page has no #root');
  noteLostCode();
  void portal.router.start();
  createRoot(element).render(
    <StrictMode>
      <PortalRoot {...portal} />
    </StrictMode>,
  );
}
