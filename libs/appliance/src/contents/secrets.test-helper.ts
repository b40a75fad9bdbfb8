import type { Inventory } from '../inventory/schema.ts';
import type { Secrets } from './secret.ts';
import { secretNames } from './secrets.ts';

/** The same secrets in every run, each recognisable in what is made of it. */
export function knownSecrets(inventory: Inventory): Secrets {
  const named = secretNames(inventory).map((name) => [name, `<${name}>`]);
  return {
    ...Object.fromEntries(named),
    field_key: '0123456789abcdef'.repeat(4),
    tls_pem: '-----BEGIN CERTIFICATE-----\n<tls_pem>\n-----END CERTIFICATE-----\n',
  };
}
