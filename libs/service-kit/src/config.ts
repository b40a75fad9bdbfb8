import type { Static, TObject } from 'typebox';
import { Value } from 'typebox/value';

/** A setting that is missing or wrong; the message names each one. */
export class ConfigError extends Error {}

/**
 * Reads settings from the environment by a schema whose keys are the variables' names. Numbers and booleans
 * are converted, defaults filled in. Empty variables count as absent.
 * @throws ConfigError naming every variable that is missing or wrong
 */
export function loadConfig<T extends TObject>(
  schema: T,
  env: Readonly<Record<string, string | undefined>>,
): Static<T> {
  const given = Object.fromEntries(
    Object.keys(schema.properties).flatMap((name) => (env[name] ? [[name, env[name]]] : [])),
  );
  const value = Value.Convert(schema, Value.Default(schema, given));
  const problems = [...Value.Errors(schema, value)].map((error) => {
    const missing = (error.params as { requiredProperties?: string[] }).requiredProperties;
    return missing
      ? `${missing.join(', ')}: is required`
      : `${error.instancePath.slice(1)}: ${error.message}`;
  });
  if (problems.length > 0)
    throw new ConfigError(`The environment is not complete.\n  ${problems.join('\n  ')}`);
  return value as Static<T>;
}
