import type { PropertySchema } from './apidoc.ts';

export type Format = Readonly<Record<string, PropertySchema>>;

const count = { optional: 1, type: 'integer', minimum: 0 } as const;

/** A format that is a property string: its parts, and what they say together. */
export interface ComposedFormat {
  readonly parts: Format;
  /** What is wrong with the values as a whole; null when nothing is. */
  readonly whole?: (values: Readonly<Record<string, string>>) => string | null;
}

function keepAllAlone(values: Readonly<Record<string, string>>): string | null {
  const { 'keep-all': all, ...counts } = values;
  const some = Object.values(counts).some((value) => Number(value) > 0);
  return some && all === '1' ? 'keep-all cannot be set together with other options.\n' : null;
}

const fleecingHasStorage = (values: Readonly<Record<string, string>>): string | null =>
  values.enabled === '1' && values.storage === undefined
    ? "'storage' parameter is required when 'enabled' is set\n"
    : null;

/** Formats that are property strings themselves; the schema has but their names. */
const COMPOSED: Readonly<Record<string, ComposedFormat>> = {
  'prune-backups': {
    whole: keepAllAlone,
    parts: {
      'keep-all': { optional: 1, type: 'boolean' },
      'keep-last': count,
      'keep-hourly': count,
      'keep-daily': count,
      'keep-weekly': count,
      'keep-monthly': count,
      'keep-yearly': count,
    },
  },
  'backup-fleecing': {
    whole: fleecingHasStorage,
    parts: {
      enabled: { optional: 1, type: 'boolean', default_key: 1 },
      storage: { optional: 1, type: 'string', format: 'pve-storage-id' },
    },
  },
  'backup-performance': {
    parts: {
      'max-workers': { optional: 1, type: 'integer', minimum: 1, maximum: 256 },
      'pbs-entries-max': { optional: 1, type: 'integer', minimum: 1 },
    },
  },
};

/** The format of that name, or the parts themselves where the schema has them; null: it is of one value. */
export function composedFormat(format: string | Format): ComposedFormat | null {
  if (typeof format !== 'string') return { parts: format };
  return Object.hasOwn(COMPOSED, format) ? COMPOSED[format]! : null;
}
