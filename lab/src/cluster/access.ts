import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { stepsOf } from './acl-paths.ts';
import type { ClusterFiles } from './cluster-files.ts';
import { BUILT_IN_ROLES } from './privileges.ts';

/** A rule: who has which role from a path on. */
export interface AclRule {
  readonly path: string;
  readonly type: 'user' | 'token' | 'group';
  readonly ugid: string;
  readonly roleid: string;
  readonly propagate: boolean;
}

/** An API token; the secret is kept as its hash. */
export interface TokenRecord {
  readonly privsep: boolean;
  readonly expire: number;
  readonly comment?: string;
  readonly hash: string;
}

/** A user. */
export interface UserRecord {
  readonly enable: boolean;
  readonly expire: number;
  readonly comment?: string;
  readonly firstname?: string;
  readonly lastname?: string;
  readonly email?: string;
  readonly keys?: string;
  /** Hash of the password; absent: no login. */
  readonly hash?: string;
  readonly groups: readonly string[];
  readonly tokens: Record<string, TokenRecord>;
}

/** What `user.cfg` and its neighbours hold. */
export interface AccessData {
  readonly users: Record<string, UserRecord>;
  readonly groups: Record<string, { readonly comment?: string }>;
  readonly roles: Record<string, readonly string[]>;
  readonly pools: Record<string, PoolRecord>;
  acl: AclRule[];
}

/** A pool of guests and storages. */
export interface PoolRecord {
  readonly comment?: string;
  readonly vms: readonly number[];
  readonly storage: readonly string[];
}

/** Rights on a path: name → whether they go on to what is below. */
export type Rights = ReadonlyMap<string, boolean>;

const FILE = 'user.json';
const EMPTY: AccessData = {
  users: { 'root@pam': { enable: true, expire: 0, groups: [], tokens: {} } },
  groups: {},
  roles: {},
  pools: {},
  acl: [],
};

/** Users, tokens, roles, rules and pools: who may do what. */
export class Access {
  readonly #files: ClusterFiles;
  /** Asked many times for one request; nobody else writes the file. */
  #data: AccessData;

  constructor(files: ClusterFiles) {
    this.#files = files;
    this.#data = { ...EMPTY, ...files.readJson<Partial<AccessData>>(FILE, {}) };
  }

  /** What is there now; not to be changed. */
  read(): AccessData {
    return this.#data;
  }

  /** Changes and saves; a change that throws leaves nothing behind. */
  update<T>(change: (data: AccessData) => T): T {
    const data = structuredClone(this.#data);
    const result = change(data);
    this.#files.writeJson(FILE, data);
    this.#data = data;
    return result;
  }

  /** The privileges of a role; null: there is no such role. */
  role(data: AccessData, roleid: string): readonly string[] | null {
    return BUILT_IN_ROLES[roleid] ?? data.roles[roleid] ?? null;
  }

  /** Whether a secret is that of the token `user@realm!name`, and the token and its user still hold. */
  isToken(id: string, secret: string): boolean {
    const [userid = '', name = ''] = id.split('!');
    const user = this.read().users[userid];
    const token = user?.tokens[name];
    if (!user || !token || !holds(user) || !holds({ enable: true, expire: token.expire })) return false;
    return sameHash(token.hash, secret);
  }

  isPassword(userid: string, password: string): boolean {
    const user = this.read().users[userid];
    return user?.hash !== undefined && holds(user) && sameHash(user.hash, password);
  }

  isUser(userid: string): boolean {
    const user = this.read().users[userid];
    return user !== undefined && holds(user);
  }

  /**
   * Makes a token, or a new secret for the one of that name.
   * @returns the secret, which is kept nowhere
   */
  addToken(userid: string, name: string, options: { privsep: boolean; secret?: string }): string {
    const secret = options.secret ?? randomUUID();
    this.update((data) => {
      data.users[userid] ??= { enable: true, expire: 0, groups: [], tokens: {} };
      data.users[userid].tokens[name] = { privsep: options.privsep, expire: 0, hash: hashOf(secret) };
    });
    return secret;
  }

  /** A secret for a token; only its hash is kept. */
  newSecret(): { readonly secret: string; readonly hash: string } {
    const secret = randomUUID();
    return { secret, hash: hashOf(secret) };
  }

  /**
   * What someone may do on a path (PVE::RPCEnvironment, permissions). A token with separate rights may do what both
   * it and its user may.
   */
  rights(id: string, path: string, data: AccessData = this.read()): Rights {
    if (id === 'root@pam') return everything;
    const [userid = '', name] = id.split('!');
    if (name === undefined) return data.users[id] ? this.#held(data, id, path) : NONE;
    const token = data.users[userid]?.tokens[name];
    if (token === undefined) return NONE;
    const byUser = userid === 'root@pam' ? everything : this.#held(data, userid, path);
    if (!token.privsep) return byUser;
    const byToken = this.#held(data, id, path);
    if (userid === 'root@pam') return byToken;
    return new Map(
      [...byToken]
        .filter(([right]) => byUser.has(right))
        .map(([right, goesOn]) => [right, goesOn && byUser.get(right) === true]),
    );
  }

  #held(data: AccessData, id: string, path: string): Rights {
    const found = new Map<string, boolean>();
    for (const [roleid, goesOn] of withPools(data, id, path))
      for (const right of this.role(data, roleid) ?? [])
        found.set(right, (found.get(right) ?? false) || goesOn);
    return found;
  }
}

/** Roles by name, and whether they go on to what is below. */
type Roles = Map<string, boolean>;

/** Roles on `/vms/101` and `/storage/x` come from the pools that these are in, too; NoAccess wins on either side. */
function withPools(data: AccessData, id: string, path: string): Roles {
  const own = rolesAlong(data, id, path);
  const [, kind, name] = /^\/(vms|storage)\/([^/]+)$/.exec(path) ?? [];
  if (kind === undefined || name === undefined || own.has('NoAccess')) return own;
  for (const [pool, record] of Object.entries(data.pools)) {
    const isIn = kind === 'vms' ? record.vms.includes(Number(name)) : record.storage.includes(name);
    if (!isIn) continue;
    const roles = rolesAlong(data, id, `/pool/${pool}`);
    if (roles.has('NoAccess')) return new Map([['NoAccess', false]]);
    for (const roleid of roles.keys()) if (!own.has(roleid)) own.set(roleid, false);
  }
  return own;
}

/** Rules nearer to the path replace those above it; on one path a user's own replace those of the groups. */
function rolesAlong(data: AccessData, id: string, path: string): Roles {
  const groups = data.users[id]?.groups ?? [];
  let roles: Roles = new Map();
  for (const step of stepsOf(path)) {
    const rules = data.acl.filter((rule) => rule.path === step && (step === path || rule.propagate));
    const own = rules.filter((rule) => rule.type !== 'group' && rule.ugid === id);
    const shared = rules.filter((rule) => rule.type === 'group' && groups.includes(rule.ugid));
    const here = own.length > 0 ? own : shared;
    if (here.length > 0) roles = new Map(here.map((rule) => [rule.roleid, rule.propagate]));
  }
  const none = roles.get('NoAccess');
  return none === undefined ? roles : new Map([['NoAccess', none]]);
}

const NONE: Rights = new Map();
const everything: Rights = new Map(BUILT_IN_ROLES.Administrator!.map((right) => [right, true]));

const holds = (one: { readonly enable: boolean; readonly expire: number }) =>
  one.enable && (one.expire === 0 || one.expire * 1000 > Date.now());

/** How secrets and passwords are kept. They are random or the lab's own, so no slow hash is needed. */
export const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

const sameHash = (hash: string, secret: string) =>
  timingSafeEqual(Buffer.from(hash), Buffer.from(hashOf(secret)));
