import fc from 'fast-check';

/** The part of JSON Schema that our OpenAPI documents use. */
export interface JsonSchema {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  patternProperties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  format?: string;
  pattern?: string;
}

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  schema: JsonSchema;
}

export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly operationId: string | undefined;
  readonly parameters: readonly Parameter[];
  /** Schema of the JSON body; undefined: none. */
  readonly body: JsonSchema | undefined;
  /** Content types of the body. */
  readonly bodyTypes: readonly string[];
  readonly secured: boolean;
  /** The permissions its description names. */
  readonly permissions: readonly string[];
}

interface RawOperation {
  operationId?: string;
  description?: string;
  parameters?: Parameter[];
  security?: unknown[];
  requestBody?: { content?: Record<string, { schema?: JsonSchema }> };
}

/** Every operation of an OpenAPI document, in a stable order. */
export function operationsOf(document: { paths: Record<string, Record<string, RawOperation>> }): Operation[] {
  return Object.entries(document.paths)
    .flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([method]) => ['get', 'post', 'put', 'patch', 'delete'].includes(method))
        .map(([method, raw]) => ({
          method: method.toUpperCase(),
          path,
          operationId: raw.operationId,
          parameters: raw.parameters ?? [],
          body: raw.requestBody?.content?.['application/json']?.schema,
          bodyTypes: Object.keys(raw.requestBody?.content ?? {}),
          secured: (raw.security?.length ?? 0) > 0,
          permissions: [...(raw.description ?? '').matchAll(/`([a-z]+(?::[a-z]+)+)`/g)].map(
            (match) => match[1]!,
          ),
        })),
    )
    .sort((a, b) => `${a.path} ${a.method}`.localeCompare(`${b.path} ${b.method}`));
}

const uuid = fc.uuid({ version: 7 });
const instant = fc.date({
  min: new Date('2020-01-01T00:00:00Z'),
  max: new Date('2030-01-01T00:00:00Z'),
  noInvalidDate: true,
});

const FORMATS: Record<string, fc.Arbitrary<string>> = {
  uuid,
  'date-time': instant.map((date) => date.toISOString()),
  date: instant.map((date) => date.toISOString().slice(0, 10)),

  'idn-email': fc.stringMatching(/^[a-z]{1,10}@[a-zäöü]{1,10}\.example$/),
  uri: fc.webUrl(),
  'web-address': fc.stringMatching(/^(https:\/\/)?www\.[a-z]{1,10}\.example$/),
};

/** Strings that have broken software before. */
export const NASTY_STRINGS = [
  '',
  ' ',
  '\0',
  '\u0001',
  'a\0b',
  '\ud800',
  '\u202e',
  'ﷺ',
  '🙂'.repeat(30),
  '%',
  '%00',
  '../../etc/passwd',
  "' or '1'='1",
  '"; drop table tickets; --',
  '<script>alert(1)</script>',
  '{{7*7}}',
  'null',
  'undefined',
  'NaN',
  '-1',
  '1e309',
  '9'.repeat(40),
  '0x10',
  'true',
  '[]',
  '{}',
  '__proto__',
  'constructor',
  'x'.repeat(5000),
  '2026-02-30',
  '2026-13-01T00:00:00Z',
  '+292278994-08-17T07:12:55Z',
  '00000000-0000-0000-0000-000000000000',
  'ff'.repeat(16),
  '& | ! ( ) : *',
  '"unbalanced',
  '\\',
  '$1',
  '%s%n',
];

/** Values that fit the schema (as far as patterns allow). */
export function arbitraryFor(schema: JsonSchema | undefined, depth = 0): fc.Arbitrary<unknown> {
  if (!schema || depth > 6) return fc.jsonValue({ maxDepth: 1 });
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((one) => arbitraryFor(one, depth + 1)));
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  switch (type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer({
        min: Math.max(schema.minimum ?? -1000, -(2 ** 31)),
        max: Math.min(schema.maximum ?? 100_000, 2 ** 31 - 1),
      });
    case 'number':
      return fc.double({ min: schema.minimum ?? -1000, max: schema.maximum ?? 1000, noNaN: true });
    case 'string':
      return stringFor(schema);
    case 'array':
      return fc.array(arbitraryFor(schema.items, depth + 1), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 3, (schema.minItems ?? 0) + 2),
      });
    case 'object': {
      const required = new Set(schema.required ?? []);
      return fc.record(
        Object.fromEntries(
          Object.entries(schema.properties ?? {}).map(([name, inner]) => [
            name,
            arbitraryFor(inner, depth + 1),
          ]),
        ),
        { requiredKeys: [...required] },
      );
    }
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function stringFor(schema: JsonSchema): fc.Arbitrary<string> {
  const known = schema.format ? FORMATS[schema.format] : undefined;
  if (known) return known;
  if (schema.pattern) {
    try {
      return fc
        .stringMatching(new RegExp(schema.pattern, 'u'))
        .map((text) => text.slice(0, schema.maxLength ?? 1000));
    } catch {
      // A pattern the generator cannot follow: plain text, most of which will be refused.
    }
  }
  return fc.string({
    minLength: schema.minLength ?? 0,
    maxLength: Math.min(schema.maxLength ?? 50, (schema.minLength ?? 0) + 50),
  });
}

/** Values that fit, fit almost, or do not fit at all. */
export function hostileFor(schema: JsonSchema | undefined): fc.Arbitrary<unknown> {
  const nasty = fc.oneof(
    fc.constantFrom<unknown>(...NASTY_STRINGS),
    fc.constantFrom<unknown>(null, true, -1, 0, 2 ** 31, 2 ** 53, 1e308, -0.5, [], {}, [[]]),
  );
  const valid = arbitraryFor(schema);
  const broken = fc
    .tuple(valid, fc.nat(), nasty, fc.integer({ min: 0, max: 3 }))
    .map(([value, index, bad, how]) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return bad;
      const names = Object.keys(value);
      const copy: Record<string, unknown> = { ...value };
      const name = names[index % Math.max(names.length, 1)];
      if (how === 0 || name === undefined) copy[`unknown_${index % 7}`] = bad;
      else if (how === 1) delete copy[name];
      else copy[name] = bad;
      return copy;
    });
  return fc.oneof(
    { weight: 4, arbitrary: valid },
    { weight: 5, arbitrary: broken },
    { weight: 1, arbitrary: fc.jsonValue() },
    { weight: 1, arbitrary: nasty },
  );
}
