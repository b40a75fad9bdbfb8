import Type, { type TProperties } from 'typebox';

/** An object that refuses keys it does not know. */
export function Closed<T extends TProperties>(properties: T, description?: string) {
  return Type.Object(properties, { additionalProperties: false, ...(description && { description }) });
}

/** A lower-case name as DNS labels have it. */
export const Name = (description: string) =>
  Type.String({ pattern: '^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$', description });

/** An IPv4 address; whether its numbers fit is checked with its VLAN. */
export const Ipv4 = (description: string) =>
  Type.String({ pattern: '^\\d{1,3}(\\.\\d{1,3}){3}$', description });

/** Where a secret stands. The secret itself never stands in the inventory or in a rendered file. */
export const SecretFile = (description: string) =>
  Type.String({ pattern: '^(/|\\./|~/)[^\\s"\'`$]+$', description });

/** `5432` or `"3000-3010"`. */
export const ListedPort = Type.Union(
  [Type.Integer({ minimum: 1, maximum: 65_535 }), Type.String({ pattern: '^\\d{1,5}-\\d{1,5}$' })],
  { description: 'a port (5432) or a range in quotes ("3000-3010")' },
);

/** When something recurs, in words that become a systemd or Proxmox calendar event. */
export const Schedule = Type.String({
  pattern:
    '^((daily|mon|tue|wed|thu|fri|sat|sun|first (mon|tue|wed|thu|fri|sat|sun)) )([01]\\d|2[0-3]):[0-5]\\d$',
  description:
    '"daily 02:00", "sun 02:00" or "first sun 02:00" (of the month), in the zone of the inventory.',
});
