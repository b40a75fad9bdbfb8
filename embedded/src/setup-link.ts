import { ensureSetupToken } from '@psa/auth/tenants/service';
import type { Platform } from './platform.ts';

/** The token of the one-time link for the first admin; null once there is a tenant. */
export async function setupToken(platform: Platform): Promise<string | null> {
  return ensureSetupToken(platform.deps.auth);
}
