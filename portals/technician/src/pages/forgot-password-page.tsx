import { ForgotPasswordPage } from '@psa/app/components/forgot-password-page';
import { useBrand } from '../brand.ts';

export function Component() {
  return <ForgotPasswordPage {...useBrand()} />;
}
