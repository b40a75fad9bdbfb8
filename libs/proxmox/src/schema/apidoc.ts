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

/** Reads the schema of a Proxmox VE release from a file. */
export function loadApiDoc(file: string): ApiDoc {
  return JSON.parse(readFileSync(file, 'utf8')) as ApiDoc;
}
