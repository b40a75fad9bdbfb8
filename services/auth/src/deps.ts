import type { ServiceDeps } from '@psa/service-kit/service';
import type { Background } from './background.ts';
import type { KeyRing } from './keys/key-ring.ts';
import type { PasswordHasher } from './passwords/hasher.ts';

/** What the features of this service share beyond the ports. */
export interface AuthDeps extends ServiceDeps {
  readonly keys: KeyRing;
  readonly hasher: PasswordHasher;
  readonly background: Background;
}
