/** A path of rules without doubled or ending slashes; null: it cannot be one. Rules of PVE::AccessControl. */
export function normalPath(text: string): string | null {
  if (text === '') return null;
  const plain = text.replaceAll(/\/+/g, '/').replace(/\/$/, '') || '/';
  const path = plain.startsWith('/') ? plain : `/${plain}`;
  return /^[A-Za-z0-9.\-_/]+$/.test(path) ? path : null;
}

const NAME = '[A-Za-z0-9._-]+';
const PLACES = [
  ...['/', '/access', '/access/groups', `/access/groups/${NAME}`, '/access/realm', `/access/realm/${NAME}`],
  ...['/nodes', `/nodes/${NAME}`, '/pool', `/pool/${NAME}(?:/${NAME}){0,2}`],
  ...['/sdn', '/sdn/controllers', '/sdn/controllers/[A-Za-z0-9_-]+', '/sdn/zones'],
  ...['dns', 'fabrics', 'ipams', 'prefix-lists', 'route-maps'].map(
    (kind) => `/sdn/${kind}(?:/[A-Za-z0-9]+)?`,
  ),
  ...[`/sdn/zones/${NAME}(?:/${NAME}(?:/[1-9][0-9]{0,3})?)?`, '/storage', `/storage/${NAME}`],
  ...['/vms', '/vms/[1-9][0-9]{2,}', `/mapping(?:/${NAME}(?:/${NAME})?)?`],
];
const PLACE = new RegExp(`^(?:${PLACES.join('|')})$`);

/** Whether a rule may stand on a path. */
export const isRulePath = (path: string): boolean => PLACE.test(path);

/** `/`, `/vms`, `/vms/101`: the way down to a path. */
export function stepsOf(path: string): readonly string[] {
  const parts = path.split('/').filter((part) => part !== '');
  return ['/', ...parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)];
}
