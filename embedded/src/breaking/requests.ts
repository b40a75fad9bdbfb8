import { bodyLimitOf } from '@psa/contracts/body-limits';
import { MIB } from '@psa/contracts/limits';

/** One kind of request that tries to break something, made over and over. */
export interface BreakingRequest {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Made once; `chunked` sends it without its length. */
  readonly body?: Buffer;
  readonly chunked?: boolean;
  readonly signedIn: boolean;
}

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly hasBody: boolean;
}

const JSON_TYPE = { 'content-type': 'application/json' };
const SOME_ID = '00000000-0000-7000-8000-000000000000';

/** `piece` over and over, in a frame, up to `bytes`. */
function filled(bytes: number, piece: string, [before, after]: readonly [string, string]): Buffer {
  const times = Math.max(1, Math.floor((bytes - before.length - after.length) / (piece.length + 1)));
  return Buffer.from(before + Array(times).fill(piece).join(',') + after);
}

/** Bodies of `bytes` that cost most to parse, to check or to explain. */
const largest = (bytes: number): readonly (readonly [string, Buffer])[] => [
  ['a list of {}', filled(bytes, '{}', ['[', ']'])],
  ['members that nobody knows', filled(bytes, '"a":{"b":[1]}', ['{', '}'])],
  ['brackets, nested', Buffer.from('['.repeat(bytes))],
  ['one long text', Buffer.from(`{"title":"${'\ufdfa'.repeat(Math.floor((bytes - 20) / 3))}"}`)],
];

const STRANGE = [
  '\ufdfa'.repeat(100),
  '\ufdfa\ufdfa x',
  '\u202e\u0000',
  '👩‍👩‍👧‍👦'.repeat(8),
  'ß'.repeat(190),
  '\u1e9e\u0130'.repeat(90),
];
const TIMES = [
  '2026-01-01T00:00:00+16:00',
  '2026-01-01T00:00:00-23:59',
  '+275760-09-13T00:00:00Z',
  'infinity',
];

/** Everything that is tried, for the operations of an OpenAPI document. */
export function breakingRequests(operations: readonly Operation[]): BreakingRequest[] {
  const all: BreakingRequest[] = [];
  for (const { method, path: pattern, hasBody } of operations) {
    const path = pattern.replaceAll(/\{[^}]+\}/g, SOME_ID);
    if (hasBody) {
      const { bytes } = bodyLimitOf(method, path);
      for (const [kind, body] of largest(Math.min(bytes, 3 * MIB) - 10)) {
        for (const signedIn of [true, false]) {
          all.push({ name: `oversized: ${kind}`, method, path, headers: JSON_TYPE, body, signedIn });
        }
      }
      const over = Buffer.alloc(Math.min(bytes + MIB, 27 * MIB), ' ');
      all.push({
        name: 'refused early: too large',
        method,
        path,
        headers: JSON_TYPE,
        body: over,
        chunked: true,
        signedIn: true,
      });
      all.push({
        name: 'refused early: nobody signed in',
        method,
        path,
        headers: JSON_TYPE,
        body: over,
        signedIn: false,
      });
      all.push({
        name: 'refused early: another type',
        method,
        path,
        headers: { 'content-type': 'text/x' },
        body: over,
        chunked: true,
        signedIn: true,
      });
    }
    all.push({ name: 'a method that is not there', method: 'PROPFIND', path, signedIn: true });
  }
  const tickets = '/api/v1/tickets/import';
  const frame = ['{"source":"x","tickets":[', ']}'] as const;
  all.push({
    name: 'import of {}',
    method: 'POST',
    path: tickets,
    headers: JSON_TYPE,
    body: filled(3 * MIB, '{}', frame),
    signedIn: true,
  });
  for (const text of STRANGE) {
    const q = encodeURIComponent(text);
    for (const path of [
      `/api/v1/search?q=${q}`,
      `/api/v1/tickets?search=${q}`,
      `/api/v1/customers?search=${q}`,
    ]) {
      all.push({ name: 'strange text: asked for', method: 'GET', path, signedIn: true });
    }
    const body = Buffer.from(JSON.stringify({ title: text, description: text }));
    all.push({
      name: 'strange text: written',
      method: 'POST',
      path: '/api/v1/tickets',
      headers: JSON_TYPE,
      body,
      signedIn: true,
    });
  }
  for (const at of TIMES) {
    const path = `/api/v1/tickets?created_from=${encodeURIComponent(at)}&updated_since=${encodeURIComponent(at)}`;
    all.push({ name: 'strange times', method: 'GET', path, signedIn: true });
    all.push({
      name: 'strange times',
      method: 'GET',
      path: `/api/v1/events/history?from=${encodeURIComponent(at)}`,
      signedIn: true,
    });
  }
  const guess = Buffer.from(JSON.stringify({ email: 'technician@demo.example', password: 'a wrong guess' }));
  const change = Buffer.from(
    JSON.stringify({ current_password: 'a wrong guess', new_password: 'seven brown kettles' }),
  );
  for (let i = 0; i < 40; i++) {
    all.push({
      name: 'guesses',
      method: 'POST',
      path: '/api/v1/auth/login',
      headers: JSON_TYPE,
      body: guess,
      signedIn: false,
    });
    all.push({
      name: 'guesses',
      method: 'POST',
      path: '/api/v1/auth/change-password',
      headers: JSON_TYPE,
      body: change,
      signedIn: true,
    });
  }
  return all;
}
