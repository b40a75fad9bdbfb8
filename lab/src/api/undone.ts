import type { ApiDoc, MethodDoc } from '@psa/proxmox/schema/apidoc';
import { ApiError, failure } from '../errors.ts';
import type { Permission } from './permission.ts';
import type { Route } from './route.ts';

/** What stands in the way on nodes that have nothing of it: method and path, text. */
const MISSING: readonly (readonly [RegExp, (path: Record<string, string>) => string])[] = [
  [
    /^\w+ \/nodes\/\{node\}\/qemu\/\{vmid\}/,
    ({ node, vmid }) => `Configuration file 'nodes/${node}/qemu-server/${vmid}.conf' does not exist`,
  ],
  [/\/ceph(\/|$)/, () => 'binary not installed: /usr/bin/ceph-mon'],
  [/^GET \/cluster\/mapping\/\w+\/\{id\}$/, ({ id }) => `mapping '${id}' not found`],
  [/^PUT \/cluster\/jobs\/realm-sync\/\{id\}$/, () => 'no such realm-sync job'],
  [/^GET \/cluster\/metrics\/server\/\{id\}$/, ({ id }) => `status server entry '${id}' does not exist`],
];

const permissionOf = ({ permissions }: MethodDoc): Permission => {
  const given = permissions as { user?: 'all' | 'world'; check?: unknown } | null | undefined;
  if (!given) return null;
  // Where both stand, the user decides.
  return (given.user === undefined ? { check: given.check } : { user: given.user }) as Permission;
};

/**
 * Routes of the schema that the lab does not do: virtual machines, Ceph, networks that are defined by software. Login,
 * rights, nodes and parameters are decided on all the same, as the schema says; then there is nothing there.
 */
export function undoneRoutes(doc: ApiDoc, done: readonly Route[]): readonly Route[] {
  const known = new Set(done.map(({ method, path }) => `${method} ${path}`));
  return Object.entries(doc).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method]) => !known.has(`${method} ${path}`))
      .map(([method, entry]): Route => {
        const isLocal = path.includes('{node}') && !entry.proxyto;
        const missing = MISSING.find(([part]) => part.test(`${method} ${path}`))?.[1];
        return {
          ...{ method: method as Route['method'], path, permission: permissionOf(entry) },
          ...(isLocal ? { isLocal } : {}),
          ...(Number(entry.allowtoken ?? 1) === 0 ? { noToken: true } : {}),
          handler: (_, params) => {
            const texts = params.texts();
            if (missing) throw failure(missing(texts));
            const asked = path.replaceAll(/\{([^}]+)\}/g, (_all, key: string) => texts[key] ?? '');
            throw new ApiError(501, `Method '${method} ${asked}' not implemented`);
          },
        };
      }),
  );
}
