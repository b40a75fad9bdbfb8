import type { Format } from './composed-formats.ts';

/** The parts of a property string by key, or what is wrong with it. */
export type ParsedProperties =
  | { readonly ok: true; readonly values: Readonly<Record<string, string>> }
  | { readonly ok: false; readonly message: string };

const wrong = (message: string): ParsedProperties => ({ ok: false, message });

/** Parses `shared:8,size=8G` by a format; its parts are not checked. Messages end in a line break, as Proxmox's do. */
export function parsePropertyString(format: Format, text: string): ParsedProperties {
  const values: Record<string, string> = Object.create(null);
  let bare: string | undefined;
  for (const part of text.split(',')) {
    if (/^\s*$/.test(part)) continue;
    const [, name, raw] = /^([^=]+)=([\s\S]+)$/.exec(part) ?? [];
    if (name !== undefined && raw !== undefined) {
      if (name in values) return wrong(`duplicate key in comma-separated list property: ${name}\n`);
      const schema = Object.hasOwn(format, name) ? format[name] : undefined;
      const key = schema?.alias ?? name;
      if (schema?.keyAlias !== undefined) {
        if (schema.keyAlias in values) return wrong(`key alias '${schema.keyAlias}' is already defined\n`);
        values[schema.keyAlias] = name;
      }
      const target = Object.hasOwn(format, key) ? format[key] : undefined;
      values[key] = target?.type === 'boolean' ? booleanWord(raw) : raw;
    } else if (!part.includes('=')) {
      if (bare !== undefined) return wrong(`duplicate key in comma-separated list property: ${part}\n`);
      bare = Object.keys(format).find((key) => format[key]?.default_key);
      if (bare === undefined) return wrong('value without key, but schema does not define a default key\n');
      if (values[bare] !== undefined)
        return wrong(`duplicate key in comma-separated list property: ${bare}\n`);
      values[bare] = part;
    } else {
      return wrong('missing key in comma-separated list property\n');
    }
  }
  return { ok: true, values };
}

/** Inside a property string, and only there, booleans may be words. */
function booleanWord(text: string): string {
  if (/^(1|on|yes|true)$/i.test(text)) return '1';
  return /^(0|off|no|false)$/i.test(text) ? '0' : text;
}
