import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Cache } from '@psa/contracts/ports/cache';
import { systemClock } from '@psa/contracts/ports/clock';
import { TOKEN_AUDIENCE, TOKEN_ISSUER } from '@psa/contracts/tokens';
import { createRemoteJWKSet, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { addressBook } from './addresses.ts';
import { ConfigError } from './config.ts';
import { tokenVerifier } from './tokens.ts';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const token = () =>
  new SignJWT({ sub: 'u', tid: 't', sid: 's', jti: 'j' })
    .setProtectedHeader({ alg: 'RS256', kid: 'k' })
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey);
const cache = { getMany: async () => [null, null] } as unknown as Cache;
const verifier = (url: string) =>
  tokenVerifier({ keys: createRemoteJWKSet(new URL(url)), cache, clock: systemClock });

describe('a token whose keys cannot be had', () => {
  it('is 503 and not 401 while nobody listens', async () => {
    await expect(verifier('http://127.0.0.1:9/jwks').verify(await token())).rejects.toMatchObject({
      status: 503,
      code: 'SERVICE_UNAVAILABLE',
    });
  });

  it('is 503 while the sign-in service itself says 503, and 401 when its keys are others', async () => {
    let status = 503;
    const server = createServer((_req, res) => res.writeHead(status).end('{"keys":[]}')).listen(
      0,
      '127.0.0.1',
    );
    await new Promise((resolve) => server.once('listening', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
    await expect(verifier(url).verify(await token())).rejects.toMatchObject({ status: 503 });
    status = 200;
    await expect(verifier(url).verify(await token())).rejects.toMatchObject({ status: 401 });
    await expect(verifier(url).verify('no.token.atall')).rejects.toMatchObject({ status: 401 });
    server.close();
  });
});

it('asks once about a session whose requests come together, and anew about the next one', async () => {
  const { publicKey, privateKey: own } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const asked: string[][] = [];
  let ended = false;
  const marks = {
    getMany: async (keys: string[]) => {
      asked.push(keys);
      await new Promise(setImmediate);
      return [ended ? '1' : null, null];
    },
  } as unknown as Cache;
  const verify = tokenVerifier({ keys: async () => publicKey, cache: marks, clock: systemClock }).verify;
  const of = (sid: string) =>
    new SignJWT({ sub: 'u', tid: 't', sid, jti: 'j' })
      .setProtectedHeader({ alg: 'RS256' })
      .setIssuedAt()
      .setIssuer(TOKEN_ISSUER)
      .setAudience(TOKEN_AUDIENCE)
      .setExpirationTime('1h')
      .sign(own);
  const [one, other] = await Promise.all([of('one'), of('other')]);
  await Promise.all([one, other].map((token) => verify(token)));
  asked.length = 0;
  await Promise.all([one, one, one, other].map((token) => verify(token)));
  expect(asked).toHaveLength(2);
  ended = true;
  await expect(verify(one)).rejects.toMatchObject({ status: 401 });
  expect(asked).toHaveLength(3);
});

it('reads the addresses of peers, and names the entry that is none', () => {
  const book = addressBook('PEERS', 'auth=http://127.0.0.1:1, crm=https://crm.test', 'http://{service}:3000');
  expect([book('auth'), book('crm'), book('tickets')]).toEqual([
    'http://127.0.0.1:1',
    'https://crm.test',
    'http://tickets:3000',
  ]);
  // Replicas stand behind a load balancer; a list of them is refused rather than half read.
  for (const entry of ['auth=127.0.0.1', 'auth=http://', 'auth=http://10.0.0.1|http://10.0.0.2']) {
    expect(() => addressBook('PEERS', entry, ''), entry).toThrow(ConfigError);
    expect(() => addressBook('PEERS', entry, ''), entry).toThrow(`"${entry}"`);
  }
});
