import type { Inventory } from '../inventory/schema.ts';

/** Secrets by name. */
export type Secrets = Readonly<Record<string, string>>;

/** A secret, and how it gets another value. */
export interface SecretFact {
  readonly what: string;
  /** `new`: psactl makes another one. `given`: people or an authority bring it. `no`: not by a new value alone. */
  readonly by: 'new' | 'given' | 'no';
  /** Why not, and the way that there is. */
  readonly way?: string;
  /** Not made by psactl: empty until somebody gives it. */
  readonly isGiven?: boolean;
  /** Whether an appliance has it; absent: each one. */
  isWanted?(inventory: Inventory): boolean;
}

/**
 * A secret by its name. One that newSecrets cannot make stands there empty until somebody gives it.
 * @throws when it is not there: a file with a hole in it must not reach a container
 */
export function secretOf(secrets: Secrets, name: string): string {
  const value = secrets[name];
  if (value) return value;
  throw new Error(
    value === ''
      ? `Unable to configure the appliance: the secret "${name}" is not set. It cannot be generated; give it a value.`
      : `Unable to configure the appliance: the secret "${name}" is missing. Generate it with newSecrets.`,
  );
}
