import fastJson from 'fast-json-stringify';

/**
 * Writes answers by their schema: what it does not name is left out. What the schema says of values is for readers of the
 * API; checking it at each of twenty rows' forty fields would cost as much as writing them. So formats are dropped, and
 * "this or null" is written by looking at the value rather than by trying both.
 */
export const serializerFor = (schema: object): ((value: unknown) => string) =>
  fastJson(plain(schema) as fastJson.Schema);

function plain(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(plain);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { anyOf, ...rest } = schema as { anyOf?: readonly Record<string, unknown>[] };
  const others = anyOf?.filter((one) => one.type !== 'null') ?? [];
  if (anyOf?.length === 2 && others.length === 1 && typeof others[0]!.type === 'string')
    return { ...(plain(rest) as object), ...(plain(others[0]) as object), nullable: true };
  const copy: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema)) copy[key] = plain(value);
  // A property may have that name, too: it is an object then.
  if (copy.type === 'string' && typeof copy.format === 'string') delete copy.format;
  return copy;
}
