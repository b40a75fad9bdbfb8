import { Inventory } from './schema.ts';

const WIDTH = 110;

/** The JSON Schema of the inventory, for editors. */
export function inventoryJsonSchema(): string {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'appliance.yaml',
    ...(JSON.parse(JSON.stringify(Inventory)) as object),
  };
  return `${print(schema, 0, 0)}\n`;
}

/** JSON as the repository's formatter writes it: lists on one line where they fit. */
function print(value: unknown, depth: number, before: number): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const pad = '  '.repeat(depth + 1);
  const end = '  '.repeat(depth);
  if (Array.isArray(value)) {
    const line = `[${value.map((one) => JSON.stringify(one)).join(', ')}]`;
    const flat = value.every((one) => one === null || typeof one !== 'object');
    if (flat && before + line.length < WIDTH) return line;
    return `[\n${value.map((one) => pad + print(one, depth + 1, pad.length)).join(',\n')}\n${end}]`;
  }
  const entries = Object.entries(value).map(([key, inner]) => {
    const name = `${pad}${JSON.stringify(key)}: `;
    return name + print(inner, depth + 1, name.length);
  });
  return entries.length === 0 ? '{}' : `{\n${entries.join(',\n')}\n${end}}`;
}
