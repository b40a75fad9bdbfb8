import { createPrivateKey } from 'node:crypto';
import { Database } from '@psa/service-kit/database';
import { tcpLine } from '@psa/test-kit/tcp-line';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuthTest, authTest } from '../auth.test-helper.ts';
import { keyRing, signingJwks, signingKeySet } from './key-ring.ts';

let t: AuthTest;
beforeAll(async () => {
  t = await authTest();
});
afterAll(() => t.close());

const jwks = () => t.as(null, 'GET', '/api/v1/auth/jwks');
const me = async (token: string) => (await t.as(token, 'GET', '/api/v1/auth/me')).status;
const kidOf = (token: string) => decodeProtectedHeader(token).kid;
const rotate = (as = t.admin) => t.call('POST', '/api/v1/auth/keys/rotate', { as });

describe('signing keys', () => {
  it('are published without their private half, and verify without asking anybody else', async () => {
    const { access } = await t.session();
    const answer = await jwks();
    expect(answer.headers['cache-control']).toBe('public, max-age=30');
    expect(Object.keys(answer.body)).toEqual(['keys']);
    expect(answer.body.keys).toHaveLength(1);
    expect(Object.keys(answer.body.keys[0]).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
    const options = { currentDate: t.clock.now(), issuer: 'psa-platform', audience: 'psa-api' };
    const { protectedHeader } = await jwtVerify(access, createLocalJWKSet(answer.body), options);
    expect(protectedHeader).toMatchObject({ alg: 'RS256', kid: answer.body.keys[0].kid });
    expect(await signingJwks(t.deps)).toEqual(answer.body);
  });

  it('are encrypted at rest, bound to their row', async () => {
    const [row] = await t.db.admin`select kid, private_key from auth.signing_keys`;
    expect(row!.private_key).toMatch(/^v1\.k1\./);
    const pem = t.deps.cipher.decrypt(row!.private_key, `auth.signing_keys.${row!.kid}`);
    expect(createPrivateKey(pem).asymmetricKeyType).toBe('rsa');
    expect(() => t.deps.cipher.decrypt(row!.private_key, 'auth.signing_keys.other')).toThrow();
  });

  it('a new one is published first, signs a minute later, and the old one verifies to the end of its tokens', async () => {
    const before = (await t.session()).access;
    expect((await rotate({ ...t.admin, role: 'x', permissions: ['role:manage'] })).status).toBe(403);
    const rotated = await rotate();
    expect(rotated.status).toBe(201);
    const { kid, active_from } = rotated.body.data;
    expect(new Date(active_from).getTime() - t.clock.now().getTime()).toBe(60_000);
    expect((await jwks()).body.keys.map((key: { kid: string }) => key.kid)).toEqual([kid, kidOf(before)]);
    expect((await t.events('signing_key.rotated.v1')).at(-1)!.data).toEqual({ kid });
    expect((await rotate()).status).toBe(409);

    t.clock.advance({ seconds: 59 });
    const last = (await t.session()).access;
    expect(kidOf(last)).toBe(kidOf(before));
    t.clock.advance({ seconds: 1 });
    const first = (await t.session()).access;
    expect(kidOf(first)).toBe(kid);
    for (const token of [before, last, first]) expect(await me(token)).toBe(200);

    t.clock.advance({ minutes: 14, seconds: 50 });
    expect(await me(last)).toBe(200);
    expect((await jwks()).body.keys).toHaveLength(2);
    t.clock.advance({ minutes: 2 });
    expect((await jwks()).body.keys.map((key: { kid: string }) => key.kid)).toEqual([kid]);
    expect(await me(last)).toBe(401);
  });

  it('that were read are read once a while for all who ask, and go on counting while the database is away', async () => {
    const { access } = await t.session();
    const address = new URL(t.db.urlFor('auth'));
    const line = await tcpLine(Number(address.port));
    address.port = `${line.port}`;
    const db = new Database({ url: address.href, max: 2 });
    let now = 0;
    const keys = signingKeySet({ ...t.deps, db }, () => now);
    const verify = () => jwtVerify(access, keys, { currentDate: t.clock.now() });
    await Promise.all([verify(), verify()]);
    now += 60_000;
    line.set('closing');
    await Promise.all([verify(), verify()]);
    await expect(db.ping()).rejects.toThrow();
    await db.close();
    await line.close();
  });

  it('rotate by themselves after 90 days, once however many replicas look; expired ones are forgotten', async () => {
    const rings = [keyRing(t.deps), keyRing(t.deps)];
    expect(await rings[0]!.rotateIfDue()).toBe(false);
    t.clock.advance({ days: 91 });
    const done = await Promise.all(rings.map((ring) => ring.rotateIfDue()));
    expect(done.filter(Boolean)).toHaveLength(1);
    t.clock.advance({ minutes: 30 });
    expect(await rings[0]!.rotateIfDue()).toBe(false);
    const rows = await t.db
      .admin`select kid, expires_at, private_key is null as wiped from auth.signing_keys`;
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ expires_at: null, wiped: false });
  });

  it('two replicas that start on an empty table agree on one first key', async () => {
    await t.db.admin`delete from auth.signing_keys`;
    const [a, b] = await Promise.all([keyRing(t.deps).jwks(), keyRing(t.deps).jwks()]);
    expect(a).toEqual(b);
    expect(a.keys).toHaveLength(1);
  });
});
