/**
 * The hash chain of the audit log. Each entry's hash covers the hash before it and the entry's canonical
 * JSON, so an entry that is changed, removed, inserted or moved breaks the chain at its place. What a chain
 * alone cannot show is a tail that was cut off: pass the expected head, kept elsewhere, to see that too.
 */

import { createHash } from 'node:crypto';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  /** `undefined` is left out, as JSON does. */
  readonly [key: string]: JsonValue | undefined;
}

export interface ChainedEntry<E extends JsonObject = JsonObject> {
  /** Hash of the entry before, or of the start of the chain. 64 hex digits, lower case. */
  prev_hash: string;
  hash: string;
  entry: E;
}

/** What the first entry of a chain follows. */
export const GENESIS_HASH = '0'.repeat(64);

/** Deeper values are refused rather than risking the stack. */
const MAX_DEPTH = 64;

/**
 * JSON with one spelling per value, after RFC 8785: keys in UTF-16 order, no white space, numbers as
 * ECMAScript writes them. An entry that went through a JSON column hashes to what it did before.
 * @throws TypeError for what JSON cannot carry: NaN, bigint, dates, functions, lone surrogates, depth over 64
 */
export function canonicalJson(value: JsonValue): string {
  return write(value, '$', 0);
}

function write(value: unknown, path: string, depth: number): string {
  if (depth > MAX_DEPTH)
    throw new TypeError(`Unable to canonicalise ${path}: deeper than ${MAX_DEPTH} levels`);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return quote(value, path);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`Unable to canonicalise ${path}: ${value} is not JSON`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) {
    // Array.from sees the holes of a sparse array, which map would skip.
    return `[${Array.from(value, (item, index) => write(item, `${path}[${index}]`, depth + 1)).join(',')}]`;
  }
  if (typeof value === 'object') {
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) {
      const members = Object.entries(value)
        .filter(([, member]) => member !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, member]) => `${quote(key, path)}:${write(member, `${path}.${key}`, depth + 1)}`);
      return `{${members.join(',')}}`;
    }
  }
  const what = typeof value === 'object' ? value?.constructor?.name : typeof value;
  throw new TypeError(`Unable to canonicalise ${path}: ${what} is not JSON`);
}

function quote(text: string, path: string): string {
  if (!text.isWellFormed())
    throw new TypeError(`Unable to canonicalise ${path}: a lone surrogate is not JSON`);
  return JSON.stringify(text);
}

function hashOf(prevHash: string, entry: JsonObject): string {
  // The 32 bytes of the previous hash have a fixed length: no entry can pretend to be part of them.
  return createHash('sha256')
    .update(Buffer.from(prevHash, 'hex'))
    .update(canonicalJson(entry), 'utf8')
    .digest('hex');
}

/**
 * Appends an entry to the chain that ends in `prevHash` (`GENESIS_HASH` for the first).
 * @throws TypeError for a previous hash that is none, or an entry that is not JSON
 */
export function chainEntry<E extends JsonObject>(prevHash: string, entry: E): ChainedEntry<E> {
  if (!/^[0-9a-f]{64}$/.test(prevHash))
    throw new TypeError('The previous hash must be 64 lower-case hex digits');
  return { prev_hash: prevHash, hash: hashOf(prevHash, entry), entry };
}

export type ChainVerdict =
  | { ok: true; count: number; head: string }
  | {
      ok: false;
      /** Position of the first broken entry; for `head_differs` the number of entries. */
      index: number;
      /**
       * `link_broken`: it does not follow the entry before (removed, inserted or moved).
       * `content_changed`: its hash is not that of its content. `head_differs`: the end is missing.
       */
      reason: 'link_broken' | 'content_changed' | 'head_differs';
      expected: string;
      found: string;
    };

/**
 * Verifies a chain or, for long ones, a part of it: pass the `head` of one part as `fromHash` of the next.
 * `expectedHead`, when given, is the hash that the last entry must have.
 */
export function verifyChain(
  entries: Iterable<ChainedEntry>,
  fromHash: string = GENESIS_HASH,
  expectedHead?: string,
): ChainVerdict {
  let head = fromHash;
  let index = 0;
  for (const { prev_hash, hash, entry } of entries) {
    if (prev_hash !== head) {
      return { ok: false, index, reason: 'link_broken', expected: head, found: prev_hash };
    }
    const expected = hashOf(prev_hash, entry);
    if (hash !== expected) return { ok: false, index, reason: 'content_changed', expected, found: hash };
    head = hash;
    index += 1;
  }
  if (expectedHead !== undefined && expectedHead !== head) {
    return { ok: false, index, reason: 'head_differs', expected: expectedHead, found: head };
  }
  return { ok: true, count: index, head };
}
