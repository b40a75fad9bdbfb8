import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Access } from '../cluster/access.ts';
import type { ClusterFiles } from '../cluster/cluster-files.ts';
import { ApiError } from '../errors.ts';
import type { Caller } from './route.ts';

/** What a request shows of its sender. */
export interface Proof {
  readonly authorization?: string;
  readonly cookie?: string;
  readonly csrf?: string;
}

/** A ticket is valid for two hours. */
const LIFETIME_S = 2 * 60 * 60;
const KEY_FILE = 'priv/authkey';

const refused = (reason: string) => new ApiError(401, reason, { body: 'none' });

/** Checks API tokens and tickets, and makes tickets. */
export class Authenticator {
  readonly #access: Access;
  readonly #key: string;

  constructor(access: Access, files: ClusterFiles) {
    this.#access = access;
    const known = files.read(KEY_FILE);
    this.#key = known ?? randomBytes(32).toString('hex');
    if (known === null) files.write(KEY_FILE, this.#key);
  }

  /** Who sends a request. @throws 401 with an empty body */
  caller(method: string, proof: Proof): Caller {
    const token = /^PVEAPIToken=(.+)$/.exec(proof.authorization ?? '')?.[1];
    if (token !== undefined) return this.#byToken(token);
    const cookie = /(?:^|;\s*)PVEAuthCookie=([^;]+)/.exec(proof.cookie ?? '')?.[1];
    if (cookie === undefined) throw refused('No ticket');
    const userid = this.userOfTicket(decoded(cookie));
    if (userid === null) throw refused('Authentication failed!');
    if (method !== 'GET' && !this.#isCsrf(proof.csrf ?? '', userid))
      throw refused('Permission denied - invalid csrf token');
    return { id: userid, userid, token: null };
  }

  /** The user of a ticket that still holds. */
  userOfTicket(ticket: string): string | null {
    const [, plain, userid, time, signature] = /^(PVE:([^:]+):([0-9A-F]{8}))::(.+)$/.exec(ticket) ?? [];
    if (plain === undefined || userid === undefined || time === undefined) return null;
    const age = Date.now() / 1000 - Number.parseInt(time, 16);
    if (age > LIFETIME_S || age < -300 || !same(this.#sign(plain), signature ?? '')) return null;
    return this.#access.isUser(userid) ? userid : null;
  }

  /** A ticket and its CSRF token. */
  newTicket(userid: string): { readonly ticket: string; readonly csrf: string } {
    const time = stamp();
    const plain = `PVE:${userid}:${time}`;
    return { ticket: `${plain}::${this.#sign(plain)}`, csrf: `${time}:${this.#sign(`${time}:${userid}`)}` };
  }

  #byToken(text: string): Caller {
    const [, id, userid, name, secret] = /^(([^!=:\s]+@[^!=:\s]+)!([^!=:\s]+))[=:](\S+)$/.exec(text) ?? [];
    if (id === undefined || userid === undefined || name === undefined || secret === undefined)
      throw refused('Authentication failed!');
    if (!this.#access.isToken(id, secret)) throw refused('Authentication failed!');
    return { id, userid, token: name };
  }

  #isCsrf(text: string, userid: string): boolean {
    const [time = '', signature = ''] = text.split(':');
    const age = Date.now() / 1000 - Number.parseInt(time, 16);
    return age <= LIFETIME_S && same(this.#sign(`${time}:${userid}`), signature);
  }

  #sign(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64').replace(/=+$/, '');
  }
}

const stamp = () =>
  Math.floor(Date.now() / 1000)
    .toString(16)
    .toUpperCase()
    .padStart(8, '0');

function same(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
