import { ForgotPasswordPage } from '@psa/app/components/forgot-password-page';
import { logo } from '../brand.ts';
import { messages } from '../i18n/messages.ts';

export function Component() {
  const t = messages.useT();
  return <ForgotPasswordPage brand={t('brand')} logo={logo} />;
}
