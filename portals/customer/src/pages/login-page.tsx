import { LoginPage as SharedLoginPage } from '@psa/app/components/login-page';
import { logo } from '../brand.ts';
import { messages } from '../i18n/messages.ts';

export function Component() {
  const t = messages.useT();
  return <SharedLoginPage brand={t('brand')} logo={logo} audience="customer" forgotPath="/forgot-password" />;
}
