import type { Option } from '../command.ts';
import { usage } from '../errors.ts';
import type { KnownSite } from '../site/site.ts';
import type { DesireOptions } from './desire.ts';

/** Options of plan and apply alike. */
export interface PlanOptions {
  recreate?: readonly string[];
  removeData?: boolean;
}

export const PLAN_OPTIONS: readonly Option[] = [
  {
    flags: '--recreate <names>',
    description: 'data containers that may be made anew; their copy of the data goes (comma-separated)',
    parse: (text) => text.split(',').map((name) => name.trim()),
  },
  { flags: '--remove-data', description: 'remove data containers that the inventory no longer has' },
];

/** What was asked for. @throws when it names a container that does not exist */
export function wishOf({ recreate = [], removeData = false }: PlanOptions, site: KnownSite): DesireOptions {
  const known = site.containers.map(({ name }) => name);
  const unknown = recreate.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw usage(
      `Unable to make "${unknown}" anew: the inventory has no such container.`,
      `It has: ${known.join(', ')}.`,
    );
  return { recreate, removeData };
}
