import { randomBytes } from 'node:crypto';
import type { Inventory } from '../inventory/schema.ts';
import { dataParts } from '../parts/parts.ts';
import type { SecretFact, Secrets } from './secret.ts';

/** What no single part has. */
const COMMON: Readonly<Record<string, SecretFact>> = {
  field_key: {
    by: 'no',
    what: 'encrypts credentials in the database',
    way: 'What is encrypted with it could not be read any more. It stays, and belongs into every backup.',
  },
};

/** Every secret that an appliance may have, by name. */
const allSecrets = (): Readonly<Record<string, SecretFact>> =>
  Object.assign({}, ...Object.values(dataParts()).map(({ secrets }) => secrets), COMMON) as Record<
    string,
    SecretFact
  >;

/** What is known of a secret; null: no appliance has one of that name. */
export const secretFact = (name: string): SecretFact | null => allSecrets()[name] ?? null;

/** The secrets that the contents of an appliance need. */
export const secretNames = (inventory: Inventory): readonly string[] =>
  Object.entries(allSecrets())
    .filter(([, { isWanted }]) => isWanted?.(inventory) ?? true)
    .map(([name]) => name);

/**
 * Values for these names: 256 random bits in hexadecimal, which pass through every URL and file unquoted. What only
 * others can give is empty: `tls_pem` (certificate, chain and key of the edge in PEM), `mail_password`,
 * `chat_webhook`.
 */
export const newSecrets = (names: readonly string[]): Secrets =>
  Object.fromEntries(
    names.map((name) => [name, secretFact(name)?.isGiven ? '' : randomBytes(32).toString('hex')]),
  );
