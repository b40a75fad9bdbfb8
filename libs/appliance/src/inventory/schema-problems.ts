import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { nearest } from './nearest.ts';
import type { FieldPath, Problem } from './problem.ts';
import { Inventory } from './schema.ts';

/** The parts of a JSON Schema that explain what a field wants. */
interface Described {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Described>>;
  readonly items?: Described;
  readonly pattern?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
}

interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** What in a value does not fit the schema: one problem per field, explained by the field's own description. */
export function schemaProblems(value: unknown): Problem[] {
  const found = new Map<string, Problem>();
  const errors = Value.Errors(Inventory as TSchema, value) as unknown as SchemaError[];
  for (const error of errors) {
    for (const problem of problemsOf(error, value)) {
      const key = JSON.stringify(problem.path);
      // A field fails several keywords at once (type and pattern); the first one says it.
      if (!found.has(key)) found.set(key, problem);
    }
  }
  return [...found.values()];
}

function problemsOf(error: SchemaError, value: unknown): Problem[] {
  // What an object refuses is told twice; `additionalProperties` names the keys.
  if (error.keyword === 'boolean') return [];
  const path = toPath(error.instancePath, value);
  const schema = schemaAt(path);
  if (error.keyword === 'required')
    return ((error.params.requiredProperties ?? []) as string[]).map((name) => ({
      path: [...path, name],
      message: 'is missing.',
      fix: `Add it${hint(schema.properties?.[name])}`,
    }));
  if (error.keyword === 'additionalProperties') {
    const known = Object.keys(schema.properties ?? {});
    return ((error.params.additionalProperties ?? []) as string[]).map((name) => {
      const meant = nearest(name, known);
      return {
        path: [...path, name],
        message: 'is not known here.',
        fix: meant ? `Did you mean "${meant}"?` : `Known are: ${known.join(', ')}.`,
      };
    });
  }
  const pattern = error.keyword === 'pattern' && schema.pattern ? ` It must match ${schema.pattern}` : '';
  return [{ path, message: wrong(error, at(value, path)), fix: `Write${hint(schema)}${pattern}` }];
}

function wrong(error: SchemaError, given: unknown): string {
  if (error.keyword === 'minItems') return 'is empty.';
  // What YAML makes of nothing: an empty file, a name with nothing after its colon.
  if (given === null) return 'has nothing in it.';
  const text = given === undefined ? 'nothing' : JSON.stringify(given);
  return `does not fit: ${text.length > 60 ? `${text.slice(0, 57)}…` : text}.`;
}

function hint(schema: Described | undefined): string {
  if (!schema) return '.';
  const type = schema.type === 'array' ? 'a list' : schema.type === 'object' ? 'a section' : schema.type;
  const form = schema.enum
    ? `one of ${schema.enum.join(', ')}`
    : schema.const !== undefined
      ? String(schema.const)
      : type;
  const description = schema.description?.replace(/\.?$/, '.');
  return `${form ? ` (${form})` : ''}${description ? `: ${description}` : '.'}`;
}

/** A JSON pointer as a path; numbers where the value has a list. */
function toPath(pointer: string, value: unknown): FieldPath {
  const path: (string | number)[] = [];
  for (const raw of pointer.split('/').slice(1)) {
    const name = raw.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(at(value, path)) ? Number(name) : name);
  }
  return path;
}

function at(value: unknown, path: FieldPath): unknown {
  return path.reduce<unknown>(
    (inner, part) =>
      inner !== null && typeof inner === 'object'
        ? (inner as Record<string | number, unknown>)[part]
        : undefined,
    value,
  );
}

function schemaAt(path: FieldPath): Described {
  let schema: Described = Inventory as Described;
  for (const part of path)
    schema = (typeof part === 'number' ? schema.items : schema.properties?.[part]) ?? {};
  return schema;
}
