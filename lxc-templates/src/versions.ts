import type { Definition } from './definition.ts';
import { TemplateError } from './run.ts';

/** Template → version → digest of its inputs. */
export type Versions = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * The versions with those that are new. One that stands there keeps what it was made from: containers carry its name,
 * and nobody would see that there is another template of that name.
 * @throws TemplateError naming the templates whose inputs have changed without their version
 */
export function withNewVersions(
  known: Versions,
  definitions: readonly Pick<Definition, 'name' | 'version' | 'inputs'>[],
): Versions {
  const changed = definitions.filter(
    ({ name, version, inputs }) => (known[name]?.[version] ?? inputs) !== inputs,
  );
  if (changed.length > 0)
    throw new TemplateError(
      `Unable to keep the versions of templates: ${changed.map(({ name, version }) => `${name} ${version}`).join(', ')} would be made from something else than before.`,
      {
        fix: 'Raise "version" in template.yaml and in the inventories (appliance.yaml, the lab\'s), then run this with --update.',
      },
    );
  return Object.fromEntries(
    definitions.map(({ name, version, inputs }) => [name, { ...known[name], [version]: inputs }]),
  );
}
