import { ResetPasswordPage } from '@psa/app/components/reset-password-page';
import { useBrand } from '../brand.ts';

export function Component() {
  return <ResetPasswordPage {...useBrand()} />;
}
