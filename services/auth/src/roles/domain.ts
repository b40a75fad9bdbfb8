import type { ErrorDetail } from '@psa/contracts/common';
import { CUSTOMER_PERMISSIONS, grants, PERMISSIONS, type Permission } from '@psa/contracts/permissions';

const NAMES: ReadonlySet<string> = new Set(PERMISSIONS);
const RESOURCES: ReadonlySet<string> = new Set(PERMISSIONS.map((name) => name.slice(0, name.indexOf(':'))));

/** The role whose holders can do everything; a tenant always keeps one active holder. */
export const ADMIN_ROLE = 'system_admin';

/** True for a permission's name, `resource:*` of a known resource, and `*`. */
export function isPermission(text: string): boolean {
  if (text === '*' || NAMES.has(text)) return true;
  const [resource, action, ...rest] = text.split(':');
  return rest.length === 0 && action === '*' && RESOURCES.has(resource!);
}

/** True when whoever holds `held` can do all that `wanted`, a name or a wildcard, allows. */
export function covers(held: ReadonlySet<string>, wanted: string): boolean {
  if (held.has('*') || held.has(wanted)) return true;
  if (wanted === '*') return false;
  if (wanted.endsWith(':*')) {
    const ofResource = PERMISSIONS.filter((name) => name.startsWith(wanted.slice(0, -1)));
    return ofResource.every((name) => grants(held, name));
  }
  return grants(held, wanted as Permission);
}

/** The permissions in `wanted` that the holder of `held` lacks and so cannot give. */
export const beyond = (held: ReadonlySet<string>, wanted: readonly string[]) =>
  wanted.filter((name) => !covers(held, name));

/** What is wrong with a role's permissions, by field. */
export function permissionProblems(
  audience: 'staff' | 'customer',
  permissions: readonly string[],
): ErrorDetail[] {
  return permissions.flatMap((name, i): ErrorDetail[] => {
    const field = `permissions[${i}]`;
    if (!isPermission(name)) return [{ field, code: 'not_found', message: `"${name}" is not a permission` }];
    if (audience === 'customer' && !CUSTOMER_PERMISSIONS.has(name)) {
      return [{ field, code: 'not_for_you', message: `"${name}" cannot be given to customers` }];
    }
    return [];
  });
}

/** What both of two sets of rights allow, as names or wildcards of the two. */
export function intersect(one: readonly string[], other: readonly string[]): string[] {
  const [a, b] = [new Set(one), new Set(other)];
  return [...new Set([...one.filter((name) => covers(b, name)), ...other.filter((name) => covers(a, name))])];
}
