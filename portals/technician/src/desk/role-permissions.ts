import { CUSTOMER_PERMISSIONS } from '@psa/contracts/permissions';

/** Permissions of one resource, in the platform's order. */
export interface PermissionGroup {
  readonly resource: string;
  readonly names: readonly string[];
}

const resourceOf = (name: string) => name.slice(0, name.indexOf(':'));

/** What a role of this audience may hold, by resource. `all`: every permission of the platform. */
export function groupsFor(audience: string, all: readonly string[]): PermissionGroup[] {
  const fit = all.filter((name) => audience === 'staff' || CUSTOMER_PERMISSIONS.has(name));
  return [...Map.groupBy(fit, resourceOf)].map(([resource, names]) => ({ resource, names }));
}

/** The permissions that a role's list names, its `ticket:*` spelt out. */
export const spelt = (held: readonly string[], all: readonly string[]): string[] =>
  all.filter((name) => held.includes(name) || held.includes(`${resourceOf(name)}:*`));

/** The short name that a title suggests: `Night shift` gives `night_shift`. Empty where it has too little to take. */
export function nameOf(title: string): string {
  const plain = title
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^[^a-z]+|_+$/g, '')
    .slice(0, 49);
  return plain.length > 1 ? plain : '';
}
