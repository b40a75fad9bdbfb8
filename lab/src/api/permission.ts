/**
 * Rights that a route needs, in the words of Proxmox VE's own schema (`permissions.check`), so that the two can be
 * held against each other. Options follow the list of privileges: `'any', 1`.
 */
export type Check =
  | readonly ['and' | 'or', Check, Check, Check?]
  | readonly ['perm', string, readonly string[], ...(readonly (string | number)[])]
  | readonly ['userid-group', readonly string[], ...(readonly string[])]
  | readonly ['userid-param', 'self' | 'Realm.AllocateUser']
  | readonly ['perm-modify', string];

/** Who may ask: everyone (`world`), everyone with a login (`all`), whom a check lets through, or root alone (null). */
export type Permission = { readonly user: 'world' | 'all' } | { readonly check: Check } | null;
