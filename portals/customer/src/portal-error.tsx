import { RootError } from '@psa/app/components/route-error';
import { useBrand } from './brand.ts';
import { messages } from './i18n/messages.ts';

/** An error before the frame is there. */
export function PortalError() {
  const t = messages.useT();
  return (
    <RootError
      {...useBrand()}
      links={[
        ['/', t('nav.tickets')],
        ['/new', t('nav.new')],
        ['/login', t('nav.login')],
      ]}
    />
  );
}
