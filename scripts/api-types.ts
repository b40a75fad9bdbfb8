import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The part of JSON Schema that the services' documents use. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
}
interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}
interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly {
    readonly in: string;
    readonly name: string;
    readonly required?: boolean;
    readonly schema?: Schema;
  }[];
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
}
/** An OpenAPI document of a service. */
export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const PREFIX = '/api/v1';
/** Objects of fewer properties are written where they stand. */
const NAMED_FROM = 4;

const HEAD = `// Made by \`npm run golden\` from services/*/openapi.json; not written by hand.

`;

/**
 * TypeScript for the portals from the documents that the services promise. openapi-typescript does this with the
 * compiler API of TypeScript 5, which TypeScript 7 does not have; the documents are plain enough for these few lines.
 * What several operations have in common is one interface, named after the first of them that reads it.
 */
export function apiTypes(documents: readonly ApiDocument[]): string {
  const operations = documents
    .flatMap(({ paths }) =>
      Object.entries(paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, operation]) => ({
          key: `${method.toUpperCase()} ${path.slice(PREFIX.length)}`,
          operation,
        })),
      ),
    )
    .filter(({ operation }) => operation.operationId)
    .sort((a, b) => (a.key < b.key ? -1 : 1));

  const uses = new Map<string, number>();
  function count(schema: Schema): void {
    if (Object.keys(schema.properties ?? {}).length >= NAMED_FROM) {
      const shape = shapeOf(schema);
      uses.set(shape, (uses.get(shape) ?? 0) + 1);
    }
    for (const part of partsOf(schema)) count(part);
  }
  const schemasOf = ({ requestBody, responses }: Operation) => ({
    body: schemaOf(requestBody),
    answer: schemaOf(Object.entries(responses).find(([status]) => status.startsWith('2'))?.[1]),
  });
  for (const { operation } of operations) {
    const { body, answer } = schemasOf(operation);
    if (body) count(body);
    for (const part of answer?.properties?.data
      ? [answer.properties.data, answer.properties.meta ?? {}]
      : [answer ?? {}])
      count(part);
  }

  const named = new Map<string, { name: string; text: string }>();
  const names = new Set<string>();
  function nameFor(hint: string): string {
    let name = hint;
    for (let n = 2; names.has(name); n += 1) name = `${hint}${n}`;
    names.add(name);
    return name;
  }

  function write(schema: Schema, hint: string): string {
    if (schema.const !== undefined) return JSON.stringify(schema.const);
    if (schema.enum) return schema.enum.map((value) => literal(value)).join(' | ');
    const any = schema.anyOf ?? schema.oneOf;
    if (any) return [...new Set(any.map((part) => write(part, hint)))].join(' | ');
    if (schema.allOf) return schema.allOf.map((part) => `(${write(part, hint)})`).join(' & ');
    if (Array.isArray(schema.type))
      return schema.type.map((type) => write({ ...schema, type }, hint)).join(' | ');
    switch (schema.type) {
      case 'string':
      case 'boolean':
      case 'null':
        return schema.type;
      case 'integer':
      case 'number':
        return 'number';
      case 'array': {
        const item = write(schema.items ?? {}, hint);
        return /^\w+$/.test(item) ? `${item}[]` : `(${item})[]`;
      }
      case 'object':
        return writeObject(schema, hint);
      default:
        return schema.properties ? writeObject(schema, hint) : 'unknown';
    }
  }

  function writeObject(schema: Schema, hint: string): string {
    const shape = shapeOf(schema);
    if ((uses.get(shape) ?? 0) < 2) return fieldsOf(schema, hint);
    let known = named.get(shape);
    if (!known) {
      known = { name: nameFor(hint), text: '' };
      named.set(shape, known);
      known.text = fieldsOf(schema, known.name);
    }
    return known.name;
  }

  function fieldsOf(schema: Schema, hint: string): string {
    const entries = Object.entries(schema.properties ?? {});
    const rest = [
      ...Object.values(schema.patternProperties ?? {}),
      ...(typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : []),
    ];
    if (entries.length === 0) {
      const values = rest.map((part) => write(part, hint));
      return `Record<string, ${values.length > 0 ? values.join(' | ') : 'unknown'}>`;
    }
    const required = new Set(schema.required);
    const fields = entries.map(
      ([name, part]) =>
        `${property(name)}${required.has(name) ? '' : '?'}: ${write(part, name === 'data' ? hint : hint + pascal(name))};`,
    );
    return `{ ${fields.join(' ')} }`;
  }

  const lines = operations.map(({ key, operation }) => {
    const { body, answer } = schemasOf(operation);
    const hint = pascal(operation.operationId).replace(/^(Get|List|Create|Update|Explain)(?=[A-Z])/, '');
    const part = (where: string) =>
      (operation.parameters ?? [])
        .filter((parameter) => parameter.in === where)
        .map(
          ({ name, required, schema }) =>
            `${property(name)}${required ? '' : '?'}: ${write(schema ?? {}, hint)};`,
        )
        .join(' ');
    const facts = [
      ['path', part('path')],
      ['query', part('query')],
    ]
      .filter(([, text]) => text !== '')
      .map(([name, text]) => `${name}: { ${text} };`);
    if (body) facts.push(`body: ${write(body, `${pascal(operation.operationId)}Body`)};`);
    const { data, meta } = answer?.properties ?? {};
    facts.push(`data: ${answer ? write(data ?? answer, hint) : 'undefined'};`);
    if (data && meta) facts.push(`meta: ${write(meta, `${hint}Meta`)};`);
    return `  '${key}': { ${facts.join(' ')} };`;
  });

  const interfaces = [...named.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, text }) => `export interface ${name} ${text}\n`);
  return `${HEAD}${interfaces.join('\n')}\n/** What each operation takes and answers, by its method and path below ${PREFIX}. */\nexport interface Api {\n${lines.join('\n')}\n}\n`;
}

const schemaOf = (content: Content | undefined) => content?.content?.['application/json']?.schema;
const partsOf = (schema: Schema): Schema[] => [
  ...(schema.anyOf ?? []),
  ...(schema.oneOf ?? []),
  ...(schema.allOf ?? []),
  ...(schema.items ? [schema.items] : []),
  ...Object.values(schema.properties ?? {}),
  ...Object.values(schema.patternProperties ?? {}),
  ...(typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : []),
];
const pascal = (name: string) =>
  name.replace(/(^|[^a-zA-Z0-9]+)([a-zA-Z0-9])/g, (_, __, letter: string) => letter.toUpperCase());
const property = (name: string) => (/^[a-zA-Z_$][\w$]*$/.test(name) ? name : `'${name}'`);
const literal = (value: unknown) => (typeof value === 'string' ? `'${value}'` : JSON.stringify(value));

/** Two schemas of one shape say the same of a value's type: limits and words apart, fields in any order. */
function shapeOf(schema: Schema): string {
  return JSON.stringify(schema, (key, value) => {
    if (
      /^(description|title|default|examples?|format|pattern|minLength|maxLength|minimum|maximum)$/.test(key)
    )
      return typeof value === 'object' ? value : undefined;
    if (/^(minItems|maxItems|uniqueItems|minProperties)$/.test(key)) return undefined;
    return value;
  });
}

/** The documents of all services, as they stand in the repository; the gateway's is their sum. */
export function readDocuments(root: URL): ApiDocument[] {
  return globSync('services/*/openapi.json', { cwd: fileURLToPath(root) })
    .sort()
    .map((path) => JSON.parse(readFileSync(new URL(path, root), 'utf8')));
}
