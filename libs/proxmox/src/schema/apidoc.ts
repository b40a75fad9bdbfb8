import { readFileSync } from 'node:fs';
import { Type } from 'typebox';
import { Value } from 'typebox/value';

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

/** As much of the shape as the checker leans on. */
const Shape = Type.Record(
  Type.String({ pattern: '^/' }),
  Type.Record(
    Type.String({ pattern: '^(GET|POST|PUT|DELETE)$' }),
    Type.Object({
      method: Type.String(),
      name: Type.String(),
      parameters: Type.Optional(
        Type.Object({ properties: Type.Optional(Type.Record(Type.String(), Type.Object({}))) }),
      ),
    }),
    { additionalProperties: false },
  ),
  { additionalProperties: false },
);

/** Reads the schema of a Proxmox VE release from a file. */
export function loadApiDoc(file: string): ApiDoc {
  let doc: unknown;
  try {
    doc = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`Unable to read the API schema ${file}: ${(error as Error).message}`, { cause: error });
  }
  const [wrong] = Value.Errors(Shape, doc);
  if (wrong)
    throw new Error(`${file} is no API schema of Proxmox VE: ${wrong.instancePath} ${wrong.message}`);
  return doc as ApiDoc;
}
