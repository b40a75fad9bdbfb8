import type { ParamValue } from '@psa/proxmox/schema/check';
import { badParameter } from '../errors.ts';

/** The parameters of a request: those of its path and the given ones. */
export class RouteParams {
  readonly #values: Readonly<Record<string, ParamValue>>;

  constructor(values: Readonly<Record<string, ParamValue>>) {
    this.#values = values;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#values, key);
  }

  keys(): readonly string[] {
    return Object.keys(this.#values);
  }

  /** A value as text; lists with commas; null when absent. */
  text(key: string): string | null {
    if (!this.has(key)) return null;
    return asText(this.#values[key]!);
  }

  /** A value that must be there. */
  need(key: string): string {
    const value = this.text(key);
    if (value === null) throw badParameter({ [key]: 'property is missing and it is not optional' });
    return value;
  }

  /** A flag; `absent` when it is not given. */
  flag(key: string, absent = false): boolean {
    const value = this.text(key);
    return value === null ? absent : value === '1' || value === 'true';
  }

  number(key: string): number | null {
    const value = this.text(key);
    if (value === null) return null;
    const number = Number(value);
    if (value === '' || Number.isNaN(number))
      throw badParameter({ [key]: `type check ('number') failed - got '${value}'` });
    return number;
  }

  /** A whole number that must be there. */
  int(key: string): number {
    const number = this.number(key);
    if (number === null) throw badParameter({ [key]: 'property is missing and it is not optional' });
    return Math.trunc(number);
  }

  /** A list: repeated keys, or one text split where Proxmox VE splits. */
  list(key: string): readonly string[] {
    const value = this.#values[key];
    if (value === undefined) return [];
    const texts = Array.isArray(value) ? value.map(asText) : [asText(value)];
    return texts.flatMap((text) => text.split(/[,;\s\0]+/)).filter((text) => text !== '');
  }

  /** The values of a key: one, or all of an array. */
  values(key: string): readonly string[] {
    const value = this.#values[key];
    if (value === undefined) return [];
    return Array.isArray(value) ? value.map(asText) : [asText(value)];
  }

  /** All values as texts. */
  texts(): Record<string, string> {
    return Object.fromEntries(Object.entries(this.#values).map(([key, value]) => [key, asText(value)]));
  }
}

function asText(value: ParamValue): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (Array.isArray(value)) return value.map(asText).join(',');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
