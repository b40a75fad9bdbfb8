import { readFileSync } from 'node:fs';

/** A property of the schema dialect that Proxmox VE publishes: JSON Schema of old, with Perl's 0 and 1. */
export interface PropertySchema {
  readonly type?: string | readonly string[] | PropertySchema;
  readonly optional?: number | string;
  readonly format?: string | Readonly<Record<string, PropertySchema>>;
  readonly pattern?: string;
  readonly enum?: readonly (string | number)[];
  readonly minimum?: number | string;
  readonly maximum?: number | string;
  readonly minLength?: number | string;
  readonly maxLength?: number | string;
  readonly requires?: string;
  readonly default?: unknown;
  readonly items?: PropertySchema;
  readonly properties?: Readonly<Record<string, PropertySchema>>;
  readonly additionalProperties?: number | PropertySchema;
  /** In a property string: the key that a value without a key belongs to. */
  readonly default_key?: number;
  /** In a property string: the key that this one is another word for. */
  readonly alias?: string;
  readonly keyAlias?: string;
  /** Which property names the variant, and for which variants this schema holds. */
  readonly 'type-property'?: string;
  readonly 'instance-types'?: readonly string[];
  readonly oneOf?: readonly PropertySchema[];
}

/** What the documentation says of one method of one path. */
export interface MethodDoc {
  readonly method: string;
  readonly name: string;
  readonly parameters?: PropertySchema;
  readonly returns?: PropertySchema;
  readonly permissions?: unknown;
  readonly allowtoken?: number;
  readonly protected?: number;
  readonly proxyto?: string;
}

/** Path template → HTTP method → documentation. */
export type ApiDoc = Readonly<Record<string, Readonly<Record<string, MethodDoc>>>>;

/** The first path whose entry does not have the shape that the checker leans on. By hand: this runs at every start. */
function misshapen(doc: unknown): string | null {
  if (typeof doc !== 'object' || doc === null) return 'the whole';
  const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
  for (const [path, methods] of Object.entries(doc)) {
    if (!path.startsWith('/') || !isObject(methods)) return path;
    for (const [method, entry] of Object.entries(methods as Record<string, MethodDoc>)) {
      if (!/^(GET|POST|PUT|DELETE)$/.test(method) || !isObject(entry)) return `${method} ${path}`;
      const properties = entry.parameters?.properties ?? {};
      if (!Object.values(properties).every(isObject)) return `${method} ${path}`;
    }
  }
  return null;
}

/** Reads the schema of a Proxmox VE release from a file. */
export function loadApiDoc(file: string): ApiDoc {
  let doc: unknown;
  try {
    doc = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`Unable to read the API schema ${file}: ${(error as Error).message}`, { cause: error });
  }
  const wrong = misshapen(doc);
  if (wrong !== null) throw new Error(`${file} is no API schema of Proxmox VE: see "${wrong}"`);
  return doc as ApiDoc;
}
