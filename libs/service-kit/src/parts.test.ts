import { randomBytes } from 'node:crypto';
import { FakeClock } from '@psa/test-kit/fake-clock';
import fc from 'fast-check';
import Type from 'typebox';
import { describe, expect, it } from 'vitest';
import { CircuitBreaker } from './circuit-breaker.ts';
import { loadConfig } from './config.ts';
import { AppError } from './errors.ts';
import { fieldCipher } from './field-cipher.ts';
import { runChecks } from './health.ts';
import { guardedPeers, peerRefusal } from './peers.ts';
import { type Adapters, freshChecks, parseFieldKeys, type ServiceEnv } from './run.ts';

describe('circuit breaker', () => {
  it('opens after the failures in a row, refuses at once, tries one call later, closes on success', () => {
    const clock = new FakeClock();
    const breaker = new CircuitBreaker('crm', clock, { failures: 3, openMs: 5_000 });
    for (let i = 0; i < 3; i++) breaker.failed();
    expect(() => breaker.enter()).toThrow(expect.objectContaining({ status: 503, retryAfter: 5 }));
    clock.advance({ seconds: 5 });
    expect(breaker.state).toBe('half-open');
    breaker.enter();
    expect(() => breaker.enter()).toThrow('does not answer');
    breaker.succeeded();
    expect(breaker.state).toBe('closed');
  });

  it('a failed trial keeps it open for another while; a success in between resets the count', () => {
    const clock = new FakeClock();
    const breaker = new CircuitBreaker('crm', clock, { failures: 2, openMs: 1_000 });
    breaker.failed();
    breaker.succeeded();
    breaker.failed();
    expect(breaker.state).toBe('closed');
    breaker.failed();
    clock.advance({ seconds: 1 });
    breaker.enter();
    breaker.failed();
    expect(breaker.state).toBe('open');
  });

  it('is opened by failures of two callers, never by those of one, and one does not keep it open', () => {
    const clock = new FakeClock();
    const breaker = new CircuitBreaker('crm', clock, { failures: 3, openMs: 1_000 });
    for (let i = 0; i < 100; i++) breaker.failed('anna');
    expect(breaker.state).toBe('closed');
    breaker.failed('jonas');
    expect(breaker.state).toBe('open');
    for (let i = 0; i < 2; i++) {
      clock.advance({ seconds: 1 });
      breaker.enter();
      breaker.failed('anna');
    }
    expect(breaker.state).toBe('closed');
  });

  it('a trial that says nothing lets the next one try', () => {
    const clock = new FakeClock();
    const breaker = new CircuitBreaker('crm', clock, { failures: 1, openMs: 1_000 });
    breaker.failed();
    clock.advance({ seconds: 1 });
    breaker.enter();
    breaker.abandoned();
    expect(() => breaker.enter()).not.toThrow();
  });
});

describe('peers', () => {
  const tokenOf = (sub: string) => `x.${Buffer.from(JSON.stringify({ sub })).toString('base64url')}.x`;
  const asking = (peers: ReturnType<typeof guardedPeers>) => (sub: string | null) =>
    peers.request('crm', {
      ...{ method: 'GET', path: '/x', requestId: 'req_12345678' },
      token: sub === null ? null : tokenOf(sub),
    });

  it('answers of 500 and more open the circuit when several callers get them; 4xx do not', async () => {
    let status = 404;
    const ask = asking(guardedPeers(async () => ({ status, body: null }), new FakeClock()));
    for (let i = 0; i < 10; i++) await ask(`${i}`);
    status = 500;
    for (let i = 0; i < 50; i++) expect((await ask('anna')).status).toBe(500);
    expect((await ask('jonas')).status).toBe(500);
    await expect(ask('anna')).rejects.toMatchObject({ status: 503, code: 'SERVICE_UNAVAILABLE' });
  });

  it('a service that is not there is a clear 503, and away for everybody', async () => {
    const ask = asking(guardedPeers(() => Promise.reject(new TypeError('fetch failed')), new FakeClock()));
    for (let i = 0; i < 5; i++) await expect(ask('anna')).rejects.toThrow('The crm service does not answer');
    await expect(ask('jonas')).rejects.toMatchObject({ status: 503, cause: undefined });
  });
});

it("what a peer answers becomes the answer to whoever asked, and no fault that is nobody's", () => {
  const refused = (status: number) => peerRefusal('crm', { status, body: null });
  expect([401, 503, 504, 500, 400].map((status) => refused(status).status)).toEqual([
    401, 503, 503, 502, 502,
  ]);
  expect(refused(503)).toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryAfter: 2 });
});

describe('field cipher', () => {
  const keys = { k1: randomBytes(32), k2: randomBytes(32) };
  const cipher = fieldCipher({ current: 'k1', keys });

  it('gives back what went in, never the same ciphertext twice', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (plain) => {
        const [a, b] = [cipher.encrypt(plain, 'row'), cipher.encrypt(plain, 'row')];
        expect(a).not.toBe(b);
        expect(cipher.decrypt(a, 'row')).toBe(plain);
      }),
    );
  });

  it('refuses what was altered, moved to another row, or has an unknown key', () => {
    const text = cipher.encrypt('secret', 'row 1');
    const altered = `${text.slice(0, -3)}${text.endsWith('AAA') ? 'BBB' : 'AAA'}`;
    expect(() => cipher.decrypt(altered, 'row 1')).toThrow();
    expect(() => cipher.decrypt(text, 'row 2')).toThrow();
    expect(() => fieldCipher({ current: 'k2', keys: { k2: keys.k2 } }).decrypt(text, 'row 1')).toThrow(
      'k1 is unknown',
    );
  });

  it('after rotation old text is read and known as stale', () => {
    const old = cipher.encrypt('secret', 'row');
    const rotated = fieldCipher({ current: 'k2', keys });
    expect([
      rotated.decrypt(old, 'row'),
      rotated.isStale(old),
      rotated.isStale(rotated.encrypt('x', 'row')),
    ]).toEqual(['secret', true, false]);
  });

  it('keys come from text, the first is current; a short one is refused', () => {
    expect(parseFieldKeys(`b:${'0'.repeat(64)},a:${'1'.repeat(64)}`)).toMatchObject({ current: 'b' });
    expect(() => fieldCipher({ current: 'a', keys: { a: randomBytes(16) } })).toThrow(
      'must have 32 bytes, has 16',
    );
  });
});

describe('configuration', () => {
  const schema = Type.Object({
    PORT: Type.Integer({ minimum: 1 }),
    URL: Type.String(),
    DEBUG: Type.Boolean({ default: false }),
  });

  it('converts, fills in defaults, ignores what it does not know', () => {
    expect(loadConfig(schema, { PORT: '3000', URL: 'x', OTHER: 'y' })).toEqual({
      PORT: 3000,
      URL: 'x',
      DEBUG: false,
    });
  });

  it('names every variable that is missing or wrong', () => {
    expect(() => loadConfig(schema, { PORT: 'abc' })).toThrow(/URL.*required[\s\S]*PORT|PORT[\s\S]*URL/);
  });
});

describe('readiness checks', () => {
  it('reports each, the failed one with its reason', async () => {
    const results = await runChecks({
      database: async () => {},
      bus: async () => {
        throw new AppError(503, 'SERVICE_UNAVAILABLE', 'broker is down');
      },
    });
    expect(results).toMatchObject({
      database: { status: 'ok' },
      bus: { status: 'failed', error: 'broker is down' },
    });
  });
});

it('a fresh connection is made to be asked, not to serve', async () => {
  const made: unknown[] = [];
  const port =
    (name: string) =>
    (_env: unknown, _log: unknown, ...rest: unknown[]) => {
      made.push([name, ...rest]);
      return { ping: async () => {} };
    };
  const adapters = { files: port('files'), searchIndex: port('searchIndex') } as unknown as Adapters;
  const { files, searchIndex } = freshChecks('search', {} as ServiceEnv, adapters);
  await files!();
  await searchIndex!();
  expect(made).toEqual([
    ['files', 'ask'],
    ['searchIndex', 'search', 'ask'],
  ]);
});
