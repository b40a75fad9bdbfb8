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
import { guardedPeers } from './peers.ts';
import { parseFieldKeys } from './run.ts';

describe('circuit breaker', () => {
  const fail = () => Promise.reject(new Error('down'));
  const ok = () => Promise.resolve('up');

  it('opens after the failures in a row, refuses at once, tries one call later, closes on success', async () => {
    const clock = new FakeClock();
    const breaker = new CircuitBreaker('crm', clock, { failures: 3, openMs: 5_000 });
    for (let i = 0; i < 3; i++) await expect(breaker.run(fail)).rejects.toThrow('down');
    await expect(breaker.run(ok)).rejects.toMatchObject({ status: 503, retryAfter: 5 });
    clock.advance({ seconds: 5 });
    expect(breaker.state).toBe('half-open');
    const [trial, second] = await Promise.allSettled([breaker.run(ok), breaker.run(ok)]);
    expect([trial.status, second.status]).toEqual(['fulfilled', 'rejected']);
    expect(breaker.state).toBe('closed');
  });

  it('a failed trial keeps it open for another while; a success in between resets the count', async () => {
    const clock = new FakeClock();
    const breaker = new CircuitBreaker('crm', clock, { failures: 2, openMs: 1_000 });
    await breaker.run(fail).catch(() => {});
    await breaker.run(ok);
    await breaker.run(fail).catch(() => {});
    expect(breaker.state).toBe('closed');
    await breaker.run(fail).catch(() => {});
    clock.advance({ seconds: 1 });
    await breaker.run(fail).catch(() => {});
    expect(breaker.state).toBe('open');
  });
});

describe('peers', () => {
  it('answers of 500 and more open the circuit; 4xx do not', async () => {
    let status = 404;
    const peers = guardedPeers(async () => ({ status, body: null }), new FakeClock());
    const ask = () =>
      peers.request('crm', { method: 'GET', path: '/x', token: null, requestId: 'req_12345678' });
    for (let i = 0; i < 10; i++) await ask();
    status = 500;
    for (let i = 0; i < 5; i++) expect((await ask()).status).toBe(500);
    await expect(ask()).rejects.toMatchObject({ status: 503, code: 'SERVICE_UNAVAILABLE' });
  });

  it('a service that is not there is a clear 503', async () => {
    const peers = guardedPeers(() => Promise.reject(new TypeError('fetch failed')), new FakeClock());
    const asked = peers.request('crm', { method: 'GET', path: '/x', token: null, requestId: 'req_12345678' });
    await expect(asked).rejects.toThrow('The crm service does not answer');
  });
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
