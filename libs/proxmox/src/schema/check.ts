import type { PropertySchema } from './apidoc.ts';
import { composedFormat, type Format } from './composed-formats.ts';
import { checkFormat } from './formats.ts';
import { isInteger, isNumber, perlPattern } from './perl.ts';
import { parsePropertyString } from './property-string.ts';

/** Field → message, as Proxmox VE has it in the body of a 400. */
export type FieldErrors = Record<string, string>;

/** A value as it stands in a request. */
export type ParamValue =
  | string
  | number
  | boolean
  | readonly ParamValue[]
  | { readonly [key: string]: ParamValue };

/** How many numbered parameters of a name there may be (`net0` … `net31`). The schema shows `net[n]` alone. */
const NUMBERED: Readonly<Record<string, number>> = {
  acmedomain: 6,
  dev: 256,
  hostpci: 16,
  ide: 4,
  ipconfig: 32,
  link: 8,
  mp: 256,
  net: 32,
  numa: 8,
  parallel: 3,
  sata: 6,
  scsi: 31,
  serial: 4,
  unused: 256,
  usb: 14,
  virtio: 16,
  virtiofs: 10,
};

const UNDEFINED_PROPERTY =
  'property is not defined in schema and the schema does not allow additional properties';

/** The schema of a key: its own, or that of the numbered family to which it belongs. */
export function propertyFor(
  properties: Readonly<Record<string, PropertySchema>>,
  key: string,
): PropertySchema | undefined {
  if (Object.hasOwn(properties, key) && !key.endsWith('[n]')) return properties[key];
  const [, name, digits] = /^([a-z]+)(0|[1-9]\d{0,3})$/.exec(key) ?? [];
  if (name === undefined || Number(digits) >= (NUMBERED[name] ?? 0)) return undefined;
  return Object.hasOwn(properties, `${name}[n]`) ? properties[`${name}[n]`] : undefined;
}

/** Checks an object (the parameters of a request, the parts of a property string) against its properties. */
export function checkObject(
  path: string,
  properties: Readonly<Record<string, PropertySchema>>,
  value: Readonly<Record<string, ParamValue>>,
  additional: number | PropertySchema | undefined,
  errors: FieldErrors,
): void {
  const at = (key: string) => (path === '' ? key : `${path}.${key}`);
  for (const [key, schema] of Object.entries(properties)) {
    if (key.endsWith('[n]')) continue;
    checkProperty(
      Object.hasOwn(value, key) ? value[key] : undefined,
      schema,
      at(key),
      errors,
      variant(schema, value),
    );
  }
  for (const [key, given] of Object.entries(value)) {
    const schema = propertyFor(properties, key);
    if (schema) {
      if (schema.requires !== undefined && value[schema.requires] === undefined)
        add(errors, at(schema.requires), `missing property required by '${at(key)}'`);
      if (!Object.hasOwn(properties, key)) checkProperty(given, schema, at(key), errors);
    } else if (additional !== undefined && typeof additional !== 'object' && Number(additional) === 0) {
      add(errors, at(key), UNDEFINED_PROPERTY);
    } else if (typeof additional === 'object') {
      checkProperty(given, additional, at(key), errors);
    }
  }
}

function variant(schema: PropertySchema, value: Readonly<Record<string, ParamValue>>): string | undefined {
  const property = schema['type-property'];
  const named = property === undefined ? undefined : value[property];
  return named === undefined ? undefined : String(named);
}

/** Checks one value against its schema; the order of checks, and the words, are those of Proxmox VE. */
export function checkProperty(
  value: ParamValue | undefined,
  schema: PropertySchema,
  path: string,
  errors: FieldErrors,
  instance?: string,
): void {
  let optional = Number(schema.optional ?? 0) === 1;
  if (schema.oneOf) {
    const kept = checkOneOf(value, schema, path, errors, instance);
    if (schema['type-property'] !== undefined) optional ||= kept;
  }
  if (value === undefined) {
    if (schema.type !== 'null' && !optional && schema.alias === undefined)
      add(errors, path, 'property is missing and it is not optional');
    return;
  }
  if (!checkType(path, schema.type, value, errors)) return;
  if (Array.isArray(value)) {
    if (schema.items)
      value.forEach((item, index) => {
        checkProperty(item, schema.items!, `${path}[${index}]`, errors);
      });
    return;
  }
  if (typeof value === 'object') {
    const inner = value as Readonly<Record<string, ParamValue>>;
    if (schema.properties || schema.additionalProperties)
      checkObject(path, schema.properties ?? {}, inner, schema.additionalProperties, errors);
    return;
  }
  const message = textError(typeof value === 'boolean' ? (value ? '1' : '0') : String(value), schema, path);
  if (message !== null) add(errors, path, message);
}

/** Whether a property that varies with the type may be missing; otherwise any one of the schemas must hold. */
function checkOneOf(
  value: ParamValue | undefined,
  schema: PropertySchema,
  path: string,
  errors: FieldErrors,
  instance: string | undefined,
): boolean {
  const variants = schema.oneOf ?? [];
  if (schema['type-property'] !== undefined) {
    const own = variants.find(
      (inner) => instance !== undefined && inner['instance-types']?.includes(instance),
    );
    if (!own) return true;
    checkProperty(value, own, path, errors);
    return Number(own.optional ?? 0) === 1 || value === undefined;
  }
  const collected: FieldErrors = {};
  for (const inner of variants) {
    const own: FieldErrors = {};
    checkProperty(value, inner, path, own);
    if (Object.keys(own).length === 0) return true;
    for (const [key, message] of Object.entries(own)) add(collected, key, message);
  }
  for (const [key, message] of Object.entries(collected)) add(errors, key, message);
  return false;
}

/** What is wrong with a plain value: the first thing found, or null. */
function textError(text: string, schema: PropertySchema, path: string): string | null {
  if (schema.format !== undefined) {
    const wrong = formatError(schema.format, text, path);
    if (wrong !== null) return `invalid format - ${wrong}`;
  }
  if (schema.pattern !== undefined && !perlPattern(schema.pattern).test(text))
    return 'value does not match the regex pattern';
  const length = [...text].length;
  if (schema.maxLength !== undefined && length > Number(schema.maxLength))
    return `value may only be ${schema.maxLength} characters long`;
  if (schema.minLength !== undefined && length < Number(schema.minLength))
    return `value must be at least ${schema.minLength} characters long`;
  if (isNumber(text)) {
    if (schema.maximum !== undefined && Number(text) > Number(schema.maximum))
      return `value must have a maximum value of ${schema.maximum}`;
    if (schema.minimum !== undefined && Number(text) < Number(schema.minimum))
      return `value must have a minimum value of ${schema.minimum}`;
  }
  return schema.enum && !schema.enum.some((allowed) => String(allowed) === text)
    ? `value '${text}' does not have a value in the enumeration '${schema.enum.join(', ')}'`
    : null;
}

/** What is wrong with a text by its format: that of one value, or a property string whose parts are checked in turn. */
function formatError(format: string | Format, text: string, path: string): string | null {
  const composed = composedFormat(format);
  if (composed === null) return checkFormat(format as string, text);
  const parsed = parsePropertyString(composed.parts, text);
  if (!parsed.ok) return parsed.message;
  const errors: FieldErrors = {};
  checkObject(path, composed.parts, parsed.values, 0, errors);
  const lines = Object.entries(errors).map(([key, message]) => `${key}: ${message}\n`);
  if (lines.length > 0) return `format error\n${lines.join('')}`;
  return composed.whole?.(parsed.values) ?? null;
}

function checkType(
  path: string,
  type: PropertySchema['type'],
  value: ParamValue,
  errors: FieldErrors,
): boolean {
  if (type === undefined || type === 'any') return true;
  if (typeof type !== 'string') {
    if (Array.isArray(type)) {
      if (type.some((one: string) => checkType(path, one, value, {}))) return true;
      return fail(errors, path, `type check ('${type.join('|')}') failed`);
    }
    const inner: FieldErrors = {};
    checkProperty(value, type as PropertySchema, path, inner);
    return Object.keys(inner).length === 0 || fail(errors, path, 'type check failed');
  }
  if (type === 'null') return fail(errors, path, `type check ('null') failed - value is not null`);
  if (type === 'array') return Array.isArray(value) || fail(errors, path, `type check ('array') failed`);
  const isObject = typeof value === 'object' && !Array.isArray(value);
  if (type === 'object') return isObject || fail(errors, path, `type check ('object') failed`);
  if (typeof value === 'object')
    return fail(errors, path, `type check ('${type}') failed - got ${isObject ? 'HASH' : 'ARRAY'}`);
  if (typeof value === 'boolean')
    // JSON's own true and false are booleans to Proxmox, and nothing else.
    return type === 'boolean' || fail(errors, path, `type check ('${type}') failed - got JSON::PP::Boolean`);
  const text = String(value);
  const fits =
    type === 'boolean'
      ? text === '0' || text === '1'
      : type === 'integer'
        ? isInteger(text)
        : type === 'number'
          ? isNumber(text)
          : true;
  return fits || fail(errors, path, `type check ('${type}') failed - got '${text}'`);
}

function fail(errors: FieldErrors, path: string, message: string): false {
  add(errors, path, message);
  return false;
}

function add(errors: FieldErrors, path: string, message: string): void {
  const key = path === '' ? '_root' : path;
  const before = Object.hasOwn(errors, key) ? errors[key] : undefined;
  // Proxmox joins them by a backslash and an n, in single quotes.
  const text = before === undefined ? message : `${before}\\n${message}`;
  Object.defineProperty(errors, key, { value: text, enumerable: true, configurable: true, writable: true });
}
