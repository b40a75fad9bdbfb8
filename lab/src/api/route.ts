import type { Lab } from '../lab.ts';
import type { RouteParams } from './params.ts';
import type { Permission } from './permission.ts';

/** Who asks. */
export interface Caller {
  /** `root@pam`, `psactl@pve!psactl`: what tasks and rules name. */
  readonly id: string;
  /** The user of a token, or the user. */
  readonly userid: string;
  readonly token: string | null;
}

/** What a handler knows of its request. */
export interface RequestContext {
  readonly lab: Lab;
  /** The node that does it: the one that the path names, or the one that was asked. */
  readonly node: string;
  /** The node that was asked. */
  readonly entry: string;
  readonly caller: Caller;
  /** Address of the asking machine. */
  readonly address: string;
  /** `total` beside the data, for lists that are cut. */
  total: number | null;
  /** `changes` beside the data: what is written and does not hold yet. */
  changes: string | null;
  /** Whether the caller has the rights on a path (one of them, with `any`). */
  may(path: string, rights: readonly string[], any?: boolean): boolean;
  /** @throws 403 as Proxmox VE words it */
  check(path: string, rights: readonly string[], any?: boolean): void;
}

/** One method of one path. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** As the schema writes it: `/nodes/{node}/lxc/{vmid}`. */
  readonly path: string;
  readonly permission: Permission;
  /** Not for tokens: it needs a ticket. */
  readonly noToken?: boolean;
  /** The node that was asked does it, though the path names one. */
  readonly isLocal?: boolean;
  /** @returns what stands in `data`; nothing becomes null */
  readonly handler: (context: RequestContext, params: RouteParams) => unknown;
}

/** Every user with a login. */
export const anyone: Permission = { user: 'all' };

/** Everyone, without a login. */
export const world: Permission = { user: 'world' };

/** Rights on a path, in which `{vmid}` and the like are parameters: all of them, or one of them with `any`. */
export const needs = (path: string, rights: readonly string[], any = false): Permission => ({
  check: any ? ['perm', path, rights, 'any', 1] : ['perm', path, rights],
});
