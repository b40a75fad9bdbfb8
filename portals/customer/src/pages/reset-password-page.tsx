import { ResetPasswordPage } from '@psa/app/components/reset-password-page';
import { logo } from '../brand.ts';
import { messages } from '../i18n/messages.ts';

export function Component() {
  const t = messages.useT();
  return <ResetPasswordPage brand={t('brand')} logo={logo} />;
}
