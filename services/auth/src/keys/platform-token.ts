import type { Permission } from '@psa/contracts/permissions';
import type { AccessClaims } from '@psa/contracts/tokens';
import type { AuthDeps } from '../deps.ts';

/** Nobody of the tenant: the platform asks for itself. */
const PLATFORM = '00000000-0000-0000-0000-000000000000';
const SECONDS = 60;

/** A token for what auth asks another service of a tenant in nobody's name; for a minute, with these permissions alone. */
export function platformToken(
  deps: Pick<AuthDeps, 'clock' | 'ids' | 'keys'>,
  tenantId: string,
  permissions: Permission[],
): Promise<string> {
  const iat = Math.floor(deps.clock.now().getTime() / 1000);
  const claims: AccessClaims = {
    sub: PLATFORM,
    tid: tenantId,
    email: '',
    name: 'PSA-Platform',
    role: 'system',
    permissions,
    audience: 'staff',
    tier: 'standard',
    sid: deps.ids.uuid(),
    iat,
    exp: iat + SECONDS,
    jti: deps.ids.uuid(),
  };
  return deps.keys.sign(claims);
}
