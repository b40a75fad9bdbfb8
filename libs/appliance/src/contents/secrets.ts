import { randomBytes } from 'node:crypto';
import type { Inventory } from '../inventory/schema.ts';

/** Secrets by name. */
export type Secrets = Readonly<Record<string, string>>;

/** Made by psactl, known to nobody. */
const GENERATED = [
  'postgres_superuser',
  'postgres_replication',
  'postgres_rewind',
  'postgres_pgbouncer',
  'postgres_roles',
  'patroni_rest',
  'rabbitmq_cookie',
  'rabbitmq_user',
  'redis',
  'field_key',
  'metrics_token',
] as const;

/** Given by people or by an authority; empty until then. */
const GIVEN = ['tls_pem', 'mail_password', 'chat_webhook'] as const;

type SecretName = (typeof GENERATED)[number] | (typeof GIVEN)[number];

/** The secrets that the contents of an appliance need. */
export function secretNames(inventory: Inventory): readonly string[] {
  const { mail, chat_webhook_file } = inventory.monitoring;
  return [
    ...GENERATED,
    'tls_pem',
    ...(mail.password_file ? ['mail_password'] : []),
    ...(chat_webhook_file ? ['chat_webhook'] : []),
  ];
}

/**
 * Values for these names: 256 random bits in hexadecimal, which pass through every URL and file unquoted. What only
 * others can give is empty: `tls_pem` (certificate, chain and key of the edge in PEM), `mail_password`,
 * `chat_webhook`.
 */
export function newSecrets(names: readonly string[]): Secrets {
  const given: readonly string[] = GIVEN;
  return Object.fromEntries(
    names.map((name) => [name, given.includes(name) ? '' : randomBytes(32).toString('hex')]),
  );
}

/** A secret by its name. @throws when it is not there: a file with a hole in it must not reach a container */
export function secretOf(secrets: Secrets, name: SecretName): string {
  const value = secrets[name];
  if (value) return value;
  throw new Error(
    (GIVEN as readonly string[]).includes(name)
      ? `Unable to configure the appliance: the secret "${name}" is not set. It cannot be generated; give it a value.`
      : `Unable to configure the appliance: the secret "${name}" is missing. Generate it with newSecrets.`,
  );
}
