import { resolve } from 'node:path';
import { ARCHIVES, type Definition, loadDefinitions } from '@psa/lxc-templates/definition';
import { TemplateError } from '@psa/lxc-templates/run';
import type { Context, Option } from '../../command.ts';
import { CliError } from '../../errors.ts';

/** What every command about templates takes. */
export interface TemplateOptions {
  readonly output?: string;
}

export const OUTPUT: Option = {
  flags: '--output <folder>',
  description: 'where the archives are (dist/templates of this repository)',
};

export const NAMES = [
  { name: 'name...', description: 'templates; all when none is named', required: false },
] as const;

/** Folder of the archives. */
export const outputOf = ({ options, io }: Pick<Context<TemplateOptions>, 'options' | 'io'>): string =>
  options.output === undefined ? ARCHIVES : resolve(io.cwd, options.output);

/** The templates that were named; all of them when none was. */
export function wanted(names: readonly string[]): readonly Definition[] {
  const all = readable(loadDefinitions);
  const unknown = names.filter((name) => !all.some((one) => one.name === name));
  if (unknown.length > 0) {
    throw new CliError(`Unable to find the template "${unknown[0]}".`, {
      outcome: 'not_found',
      why: `There are: ${all.map(({ name }) => name).join(', ')}.`,
    });
  }
  return names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
}

function readable<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw forReader(error);
  }
}

/** An error of the builder as one for the reader. */
export function forReader(error: unknown): unknown {
  if (!(error instanceof TemplateError)) return error;
  const { message, why, fix } = error;
  return new CliError(message, {
    ...(why !== undefined && { why }),
    ...(fix !== undefined && { fix }),
    cause: error,
  });
}

/** `56.2 MB` */
export const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`;
