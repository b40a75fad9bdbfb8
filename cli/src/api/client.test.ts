import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Asked, answering, no, type Reply, runCli } from '../run-cli.test-helper.ts';
import { type Api, createApi } from './client.ts';
import { credentialStore, type Session } from './credentials.ts';

let home: TempDir;
let server: Awaited<ReturnType<typeof answering>> | null = null;
beforeEach(async () => {
  home = await tempDir('psactl-home');
});
afterEach(async () => {
  await server?.stop();
  server = null;
  await home.remove();
});

/** A client of a server that answers so; waits are recorded, not waited. */
async function client(
  reply: (asked: Asked) => Reply | Promise<Reply>,
  env: Record<string, string> = {},
  patienceMs = 60_000,
) {
  server = await answering(reply);
  const waits: number[] = [];
  const notes: string[] = [];
  const api: Api = createApi({
    url: server.url,
    env: { HOME: home.path, ...env },
    signal: new AbortController().signal,
    patienceMs,
    note: (text) => notes.push(text),
    sleep: async (ms) => void waits.push(ms),
  });
  return { api, waits, notes, asked: server.asked, url: server.url };
}
const withKey = { PSA_API_KEY: 'psa_secret' };
const tokens = (n: number) => ({
  data: { user: {}, access_token: `access-${n}`, refresh_token: `refresh-${n}`, expires_in: 900 },
});

describe('a request that is turned away', () => {
  it('is sent again after the time that the platform asks for, and says that it waits', async () => {
    let left = 2;
    const { api, waits, notes } = await client(
      () =>
        left-- > 0
          ? no(429, 'RATE_LIMIT_EXCEEDED', { headers: { 'retry-after': '30' } })
          : { body: { data: 1 } },
      withKey,
    );
    expect(await api.get('/x', { action: 'look' })).toEqual({ data: 1 });
    expect(waits).toEqual([30_000, 30_000]);
    expect(notes[0]).toBe('The platform asks for patience (429); trying again in 30 s.');
  });

  it('is given up when the wait would be longer than the patience', async () => {
    const { api, waits } = await client(
      () => no(429, 'RATE_LIMIT_EXCEEDED', { headers: { 'retry-after': '3600' } }),
      withKey,
    );
    await expect(api.get('/x', { action: 'look' })).rejects.toMatchObject({
      message: 'Unable to look: the platform answered 429 (RATE_LIMIT_EXCEEDED).',
      why: 'It says RATE_LIMIT_EXCEEDED. [request req_0123456789]',
    });
    expect(waits).toEqual([]);
  });

  it('is not sent again when it is a write without an Idempotency-Key, and with the same key when it has one', async () => {
    let left = 2;
    const { api, asked } = await client(
      () => (left-- > 0 ? no(503, 'SERVICE_UNAVAILABLE') : { body: { data: 1 } }),
      withKey,
    );
    await expect(api.post('/x', { action: 'write', body: {} })).rejects.toMatchObject({ status: 503 });
    expect(asked).toHaveLength(1);
    expect(await api.post('/x', { action: 'write', body: {}, idempotent: true })).toEqual({ data: 1 });
    const keys = asked.slice(1).map(({ headers }) => headers['idempotency-key']);
    expect(keys).toHaveLength(2);
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(keys[1]).toBe(keys[0]);
  });

  it('survives a connection that is cut', async () => {
    let left = 1;
    const { api, asked } = await client(
      () => (left-- > 0 ? { hangUp: true } : { body: { data: 1 } }),
      withKey,
    );
    expect(await api.post('/x', { action: 'write', body: { a: 1 }, idempotent: true })).toEqual({ data: 1 });
    expect(asked.map(({ body }) => body)).toEqual([{ a: 1 }, { a: 1 }]);
  });
});

describe('an answer that is none', () => {
  it.each<[string, Reply, RegExp]>([
    ['a page', { body: '<html>', headers: { 'content-type': 'text/html' } }, /is not PSA-Platform/],
    ['a page that is not there', { status: 404, body: '<html>' }, /is not PSA-Platform/],
    ['a proxy without a platform', { status: 502, body: '<html>' }, /answered 502\.$/],
  ])('is said to be that: %s', async (_name, reply, message) => {
    const { api } = await client(() => reply, withKey, 0);
    await expect(api.get('/x', { action: 'look' })).rejects.toThrow(message);
  });

  it('is not followed elsewhere with the credentials', async () => {
    const { api, asked } = await client(
      () => ({ status: 302, headers: { location: 'https://elsewhere.example/x' } }),
      withKey,
    );
    await expect(api.get('/x', { action: 'look' })).rejects.toMatchObject({
      code: 'REDIRECTED',
      why: expect.stringContaining('https://elsewhere.example'),
    });
    expect(asked).toHaveLength(1);
  });
});

describe('signing in', () => {
  it('sends an API key as it is', async () => {
    const { api, asked } = await client(() => ({ body: {} }), withKey);
    await api.get('/x', { action: 'look' });
    expect(asked[0]!.headers['x-api-key']).toBe('psa_secret');
  });

  it('by password begins a session, renews it when it is refused, and ends it', async () => {
    const valid = new Set<string>();
    let n = 0;
    const { api, asked } = await client(
      ({ path, headers }) => {
        if (path.endsWith('/logout')) return { status: 204, body: '' };
        if (path.includes('/auth/')) {
          valid.clear();
          valid.add(`Bearer access-${++n}`);
          return { body: tokens(n) };
        }
        return valid.has(String(headers.authorization)) ? { body: { data: 1 } } : no(401, 'TOKEN_INVALID');
      },
      { PSA_EMAIL: 'a@b.example', PSA_PASSWORD: 'pw' },
    );
    await api.get('/x', { action: 'look' });
    valid.clear();
    await api.post('/y', { action: 'write', body: {} });
    await api.close();
    expect(asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /api/v1/auth/login',
      'GET /x',
      'POST /y',
      'POST /api/v1/auth/refresh',
      'POST /y',
      'POST /api/v1/auth/logout',
    ]);
    expect(asked.at(-1)!.body).toEqual({ refresh_token: 'refresh-2' });
  });

  it('that is refused says so and is not tried twice', async () => {
    const { url, asked } = await client(() => no(401, 'INVALID_CREDENTIALS'));
    const ran = await runCli(['user', 'list', '--json'], {
      PSA_URL: url,
      PSA_EMAIL: 'a@b.example',
      PSA_PASSWORD: 'x',
      HOME: home.path,
    });
    expect(ran.code).toBe(12);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      psactl: 1,
      ok: false,
      exit: 12,
      error: { code: 'INVALID_CREDENTIALS' },
    });
    expect(asked).toHaveLength(1);
  });

  it('by a password that was refused is not tried again in the same run', async () => {
    const { api, asked } = await client(() => no(401, 'INVALID_CREDENTIALS'), {
      PSA_EMAIL: 'a@b.example',
      PSA_PASSWORD: 'pw',
    });
    await expect(api.get('/x', { action: 'look' })).rejects.toMatchObject({ status: 401 });
    await expect(api.get('/y', { action: 'look' })).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' });
    expect(asked.map(({ path }) => path)).toEqual(['/api/v1/auth/login']);
  });

  it('that is missing is said before anything is sent', async () => {
    const { api, asked } = await client(() => ({}));
    await expect(api.get('/x', { action: 'look' })).rejects.toMatchObject({
      outcome: 'not_authorised',
      fix: expect.stringContaining('psactl login'),
    });
    expect(asked).toEqual([]);
  });
});

describe('a stored session', () => {
  const session = (n: number, expires_at = Date.now() + 600_000): Session => ({
    email: 'a@b.example',
    access_token: `access-${n}`,
    refresh_token: `refresh-${n}`,
    expires_at,
  });

  it('is made by login, kept for its owner alone, used, and ended by logout', async () => {
    const { url, asked } = await client(({ path }) =>
      path.includes('/auth/') ? { body: tokens(1) } : { body: { data: [], meta: {} } },
    );
    const env = { PSA_URL: `${url}/`, HOME: home.path };
    const file = `${home.path}/.config/psactl/credentials.json`;
    const login = await runCli(['login', '--email', 'a@b.example', '--password-stdin'], env, {
      stdin: 'secret\n',
    });
    expect(login).toMatchObject({ code: 0, stdout: `Signed in at ${url} as a@b.example.\n` });
    expect(asked[0]!.body).toEqual({ email: 'a@b.example', password: 'secret' });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).not.toContain('secret');

    expect((await runCli(['user', 'list'], env)).code).toBe(0);
    expect(asked.at(-1)!.headers.authorization).toBe('Bearer access-1');

    expect((await runCli(['logout'], env)).stdout).toBe(`Signed out a@b.example at ${url}.\n`);
    expect(asked.at(-1)).toMatchObject({ path: '/api/v1/auth/logout', body: { refresh_token: 'refresh-1' } });
    expect((await runCli(['user', 'list'], env)).code).toBe(12);
  });

  it('is renewed once by several runs at a time: a refresh token serves once only', async () => {
    let current = 1;
    const { url, asked } = await client(async ({ path, body, headers }) => {
      if (path.endsWith('/refresh')) {
        // Using one twice would end the session, as the platform does.
        if ((body as { refresh_token: string }).refresh_token !== `refresh-${current}`) {
          current = -1;
          return no(401, 'TOKEN_INVALID');
        }
        await new Promise((done) => setTimeout(done, 30));
        return { body: tokens(++current) };
      }
      return headers.authorization === `Bearer access-${current}`
        ? { body: { data: [], meta: {} } }
        : no(401, 'TOKEN_EXPIRED');
    });
    const env = { PSA_URL: url, HOME: home.path };
    const store = credentialStore(env);
    await store.update(url, async () => session(1, Date.now() - 1));
    const runs = await Promise.all(Array.from({ length: 5 }, () => runCli(['user', 'list'], env)));
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
    expect(asked.filter(({ path }) => path.endsWith('/refresh'))).toHaveLength(1);
    expect(await store.load(url)).toMatchObject({ access_token: 'access-2', refresh_token: 'refresh-2' });
  });

  it('that has ended for good is said to have ended', async () => {
    const { url } = await client(() => no(401, 'TOKEN_INVALID'));
    const env = { PSA_URL: url, HOME: home.path };
    await credentialStore(env).update(url, async () => session(1));
    const ran = await runCli(['user', 'list'], env);
    expect(ran).toMatchObject({ code: 12 });
    expect(ran.stderr).toContain('psactl login');
  });

  it('in a damaged file leads to advice, not to a crash', async () => {
    await mkdir(`${home.path}/.config/psactl`, { recursive: true });
    await writeFile(`${home.path}/.config/psactl/credentials.json`, '{ "psactl": 1, "sess');
    const ran = await runCli(['user', 'list'], { HOME: home.path });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/Unable to read .*credentials\.json.*\n {2}fix: Remove it/);
  });
});
