import { LoginPage as SharedLoginPage } from '@psa/app/components/login-page';
import { useBrand } from '../brand.ts';

export function Component() {
  return <SharedLoginPage {...useBrand()} audience="staff" forgotPath="/forgot-password" />;
}
