import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { exchange } from '../golden.test-helper.ts';
import { shownCertificate } from './certificate.ts';
import { failure, SECRET, useHarness } from './harness.test-helper.ts';
import {
  failed,
  makeCertificate,
  ok,
  type Received,
  type Reply,
  recorded,
} from './pve-server.test-helper.ts';

const harness = useHarness();
const credentials = { username: 'ops@pve', password: 'correct horse' };
const MINUTE = 60_000;

/** A server that gives tickets `PVE:…::1`, `…::2` and takes the last one alone. */
function ticketServer(answer: (request: Received) => Reply = () => ok('fine')) {
  let count = 0;
  const state = { logins: [] as string[], valid: '' };
  harness.server.reply = (request) => {
    if (request.path === '/access/ticket') {
      const given = request.form.get('password')!;
      if (given !== credentials.password && given !== state.valid)
        return failed('authentication failure', 401);
      state.logins.push(given);
      count++;
      state.valid = `PVE:ops@pve:6B016988::secret${count}+/=`;
      return ok({ username: 'ops@pve', ticket: state.valid, CSRFPreventionToken: `6B016988:csrf${count}` });
    }
    const ticket = /PVEAuthCookie=([^;]*)/.exec(String(request.headers.cookie))?.[1];
    if (decodeURIComponent(ticket ?? '') !== state.valid)
      return { status: 401, reason: 'permission denied - invalid PVE ticket', body: '' };
    const csrf = request.headers.csrfpreventiontoken;
    if ((csrf !== undefined) !== (request.method !== 'GET'))
      return failed('Permission denied - invalid csrf token', 401);
    return answer(request);
  };
  return state;
}

describe('tickets', () => {
  it('one login for all that is asked at once; the CSRF token goes with writes alone', async () => {
    const state = ticketServer();
    const client = harness.clientOf({ credentials });
    const all = await Promise.all([
      client.request('GET', '/version'),
      client.request('POST', '/pools', { poolid: 'a' }),
      client.request('DELETE', '/pools/a'),
    ]);
    expect([all, state.logins]).toEqual([['fine', 'fine', 'fine'], ['correct horse']]);
  });

  it('are renewed in time, by the ticket itself', async () => {
    const state = ticketServer();
    const client = harness.clientOf({ credentials });
    await client.request('GET', '/version');
    harness.clock.advance(59 * MINUTE);
    await client.request('GET', '/version');
    expect(state.logins).toHaveLength(1);
    harness.clock.advance(2 * MINUTE);
    await client.request('GET', '/version');
    expect(state.logins).toEqual(['correct horse', 'PVE:ops@pve:6B016988::secret1+/=']);
  });

  it('too old to serve are replaced by the password', async () => {
    const state = ticketServer();
    const client = harness.clientOf({ credentials });
    await client.request('GET', '/version');
    harness.clock.advance(180 * MINUTE);
    await client.request('GET', '/version');
    expect(state.logins).toEqual(['correct horse', 'correct horse']);
  });

  it('that the server no longer takes are replaced once, writes included: the refusal did nothing', async () => {
    const state = ticketServer();
    const client = harness.clientOf({ credentials });
    await client.request('GET', '/version');
    state.valid = 'PVE:another';
    expect(await client.request('POST', '/pools', { poolid: 'a' })).toBe('fine');
    expect(state.logins).toEqual(['correct horse', 'correct horse']);
  });

  it('a user who may not is told so, without end of logins and without the password', async () => {
    const state = ticketServer(() => ({ status: 401, reason: 'permission denied', body: '' }));
    const error = await failure(harness.clientOf({ credentials }).request('GET', '/version'));
    expect([error.kind, error.reason, state.logins.length]).toEqual(['unauthorised', 'permission denied', 2]);
    harness.server.reply = () => recorded(exchange('bad login'));
    const bad = await failure(
      harness.clientOf({ credentials: { ...credentials, password: 'wrong one' } }).request('GET', '/version'),
    );
    expect([bad.kind, bad.path]).toEqual(['unauthorised', '/access/ticket']);
    expect(inspect(bad, { showHidden: true, depth: 9 })).not.toContain('wrong one');
  });

  it('a second factor is asked for: says to use a token', async () => {
    harness.server.reply = () => ok({ ticket: 'PVE:!tfa!x', CSRFPreventionToken: 'y', NeedTFA: 1 });
    const error = await failure(harness.clientOf({ credentials }).request('GET', '/version'));
    expect(error.message).toContain('API token');
  });
});

describe('tokens', () => {
  it('one that is refused is not tried again', async () => {
    harness.server.reply = () => recorded(exchange('bad token'));
    const error = await failure(harness.clientOf().request('GET', '/nodes'));
    expect([error.reason, harness.server.received.length]).toEqual(['Authentication failed!', 1]);
  });

  it('a malformed id is refused at once, without its secret', () => {
    const make = () => harness.clientOf({ credentials: { tokenId: 'root', secret: SECRET } });
    expect(make).toThrow('user@realm!name');
    expect(make).not.toThrow(SECRET);
  });
});

describe('whom we talk to', () => {
  const endpoint = (more: object) => ({
    endpoints: [{ host: '127.0.0.1', port: harness.server.port, ...more }],
  });

  it('a pinned fingerprint, with colons or without', async () => {
    harness.server.reply = () => ok(1);
    const { fingerprint } = harness.certificate;
    for (const one of [fingerprint, fingerprint.replaceAll(':', '').toLowerCase()])
      expect(
        await harness.clientOf(endpoint({ fingerprints: ['AA:BB', one] })).request('GET', '/version'),
      ).toBe(1);
  });

  it('another one is refused before anything is sent, whoever else would answer', async () => {
    const other = makeCertificate().fingerprint;
    const wrong = { host: '127.0.0.1', port: harness.server.port, fingerprints: [other] };
    const client = harness.clientOf({ endpoints: [wrong, harness.at(harness.second)] });
    for (const method of ['GET', 'POST']) {
      const error = await failure(client.request(method, '/pools'));
      expect([error.kind, error.outcomeUnknown]).toEqual(['fingerprint', false]);
      expect(error.message).toContain(harness.certificate.fingerprint);
      // The next is tried first meanwhile; ask the wrong one again.
      harness.clock.advance(31_000);
    }
    expect(harness.server.received).toEqual([]);
    expect(harness.second.received).toEqual([]);
  });

  it('a certificate of the given CA, and no other', async () => {
    harness.server.reply = () => ok(1);
    expect(
      await harness.clientOf({ ...endpoint({}), ca: harness.certificate.cert }).request('GET', '/version'),
    ).toBe(1);
    const error = await failure(
      harness
        .clientOf({ ...endpoint({}), ca: makeCertificate().cert, attempts: 1 })
        .request('GET', '/version'),
    );
    expect([error.kind, error.reason]).toEqual(['fingerprint', expect.stringMatching(/SELF_SIGNED|VERIFY/)]);
    expect(
      (await failure(harness.clientOf({ ...endpoint({}), attempts: 1 }).request('GET', '/x'))).kind,
    ).toBe('fingerprint');
    expect(harness.server.received).toHaveLength(1);
  });

  it('the first contact says what is shown, what to compare it with, and where it belongs', async () => {
    const field = 'sites[0].nodes[1].fingerprint';
    const error = await failure(harness.clientOf(endpoint({ field })).request('GET', '/version'));
    expect(error.message).toContain(harness.certificate.fingerprint);
    expect(error.message).toContain(`${field} is not set`);
    expect(error.hint).toMatch(
      /"pvenode cert info" on the node itself, .*sites\[0\]\.nodes\[1\]\.fingerprint/,
    );
    expect(error.message).not.toMatch(/use-system-ca/);
    const other = { field, fingerprints: [makeCertificate().fingerprint] };
    const changed = await failure(harness.clientOf(endpoint(other)).request('GET', '/version'));
    expect(changed.message).toContain(`does not show the certificate that ${field} names`);
  });

  it('is shown before anything is trusted, and nothing is sent', async () => {
    const { port } = harness.server;
    expect(await shownCertificate('127.0.0.1', port, { timeoutMs: 5_000 })).toEqual({
      fingerprint: harness.certificate.fingerprint,
      isTrusted: false,
      doubt: expect.stringMatching(/SELF_SIGNED/),
      clusterCa: null,
    });
    expect(harness.server.received).toEqual([]);
    await harness.server.stop();
    await expect(shownCertificate('127.0.0.1', port, { timeoutMs: 5_000 })).rejects.toThrow(/ECONNREFUSED/);
  });
});
