import type { Params } from '../schema/api-schema.ts';
import type { MethodDoc } from '../schema/apidoc.ts';

/** Parameters as a form (`application/x-www-form-urlencoded`): booleans as 1 and 0, lists as their field wants them. */
export function encodeForm(params: Params, doc?: MethodDoc): string {
  const form = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    if (value === null || value === undefined) continue;
    if (!Array.isArray(value)) {
      form.append(key, scalar(key, value));
      continue;
    }
    const format = doc?.parameters?.properties?.[key]?.format;
    // Repeated keys mean a list on PVE 8 and 9; one text with commas means it everywhere, where the field is a list.
    if (typeof format === 'string' && format.endsWith('-list'))
      form.append(key, value.map((one) => scalar(key, one)).join(','));
    else for (const one of value) form.append(key, scalar(key, one));
  }
  return form.toString();
}

function scalar(key: string, value: unknown): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`"${key}" is not a number`);
  if (typeof value === 'object') throw new TypeError(`"${key}" is an object; the API takes texts and lists`);
  return String(value);
}

/** A path with its values escaped: apiPath`/nodes/${node}/storage/${storage}/content/${volume}`. */
export function apiPath(texts: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  return texts.reduce((path, text, index) => path + encodeURIComponent(values[index - 1]!) + text);
}
