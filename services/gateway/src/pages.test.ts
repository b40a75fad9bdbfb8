import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createLogger } from '@psa/service-kit/log';
import { tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bodyOf, type TestGateway, testGateway } from './test-gateway.test-helper.ts';

describe('pages', () => {
  let test: TestGateway;
  beforeAll(async () => {
    test = await testGateway('in-process');
  });
  afterAll(() => test.close());
  const open = (path: string, headers: Record<string, string> = {}) =>
    fetch(test.url + path, { headers: { accept: 'text/html', ...headers }, redirect: 'manual' });

  it('opens each portal at any of its addresses', async () => {
    for (const path of ['/', '/tickets', '/tickets/0198?tab=history', '/customers/a.b']) {
      const response = await open(path);
      expect(response.status, path).toBe(200);
      expect(await response.text()).toContain('<title>technician</title>');
      expect(response.headers.get('cache-control')).toBe('no-cache');
      expect(response.headers.get('content-security-policy')).toContain("script-src 'self';");
    }
    expect(await (await open('/portal/')).text()).toContain('<title>customer</title>');
    expect(await (await open('/portal/tickets/1')).text()).toContain('<title>customer</title>');
    expect((await open('/portal')).headers.get('location')).toBe('/portal/');
    expect(await (await open('/portals')).text()).toContain('<title>technician</title>');
  });

  it('serves hashed files for ever, packed when the browser takes it, and others by their tag', async () => {
    const plain = await open('/assets/index-Ab3dEf9h.js', { 'accept-encoding': 'identity' });
    expect(plain.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(plain.headers.get('content-type')).toBe('text/javascript');
    expect(await plain.text()).toBe('console.log("technician")');
    // A HEAD, because the stand-in for the packed file is no real Brotli.
    const packed = await fetch(`${test.url}/assets/index-Ab3dEf9h.js`, {
      method: 'HEAD',
      headers: { 'accept-encoding': 'gzip, br' },
    });
    expect(packed.headers.get('content-encoding')).toBe('br');
    expect(packed.headers.get('vary')).toBe('Accept-Encoding');
    const refused = await open('/assets/index-Ab3dEf9h.js', { 'accept-encoding': 'br;q=0' });
    expect(refused.headers.get('content-encoding')).toBeNull();

    const other = await open('/theme.js');
    expect(other.headers.get('cache-control')).toBe('no-cache');
    const again = await open('/theme.js', { 'if-none-match': other.headers.get('etag')! });
    expect(again.status).toBe(304);
  });

  it('answers 404 for files that are not there, and never leaves its folder', async () => {
    for (const path of ['/assets/index-gone1234.js', '/assets/missing.css', '/favicon.ico']) {
      const response = await open(path, { accept: '*/*' });
      expect(response.status, path).toBe(404);
      expect((await bodyOf(response)).error.code).toBe('RESOURCE_NOT_FOUND');
    }
    for (const path of [
      '/..%2f..%2fetc/passwd',
      '/%2e%2e/%2e%2e/etc/passwd',
      '/portal/..%2ftechnician/theme.js',
    ]) {
      expect((await open(path, { accept: '*/*' })).status, path).toBe(404);
    }
    expect((await open('/%zz')).status).toBe(404);
    expect((await open('/api/docs/package.json')).status).toBe(404);
    expect((await open('/api/unknown')).status).toBe(404);
    expect((await open('/assets/x.js', { 'sec-fetch-mode': 'no-cors' })).status).toBe(404);
  });

  it('answers 404 for files that went away since the start, ends one that cannot be read, and logs both', async () => {
    const dir = await tempDir('pages');
    const lines: string[] = [];
    await mkdir(`${dir.path}/assets`);
    for (const name of ['gone', 'broken', 'kept'])
      await writeFile(`${dir.path}/assets/${name}-Ab3dEf9h.js`, `'${name}'`);
    const log = createLogger({ service: 'gateway', destination: { write: (line) => lines.push(line) } });
    const changing = await testGateway('in-process', {
      log,
      portals: { technician: dir.path, customer: dir.path },
    });
    const asset = (name: string) => `${changing.url}/assets/${name}-Ab3dEf9h.js`;
    await rm(`${dir.path}/assets/gone-Ab3dEf9h.js`);
    // A folder opens as a file does, and cannot be read.
    await rm(`${dir.path}/assets/broken-Ab3dEf9h.js`);
    await mkdir(`${dir.path}/assets/broken-Ab3dEf9h.js`);

    const gone = await fetch(asset('gone'));
    expect(gone.status).toBe(404);
    expect(gone.headers.get('cache-control')).toBeNull();
    expect((await bodyOf(gone)).error.code).toBe('RESOURCE_NOT_FOUND');
    await expect(fetch(asset('broken')).then((response) => response.text())).rejects.toThrow();
    expect(await (await fetch(asset('kept'))).text()).toBe("'kept'");
    const logged = lines.map((line) => JSON.parse(line) as { level: number; path?: string });
    expect(logged.map(({ level, path }) => [level, path])).toEqual([
      [40, '/assets/gone-Ab3dEf9h.js'],
      [50, '/assets/broken-Ab3dEf9h.js'],
    ]);
    await changing.close();
    await dir.remove();
  });

  it('shows a new build as it is, under a gateway that runs', async () => {
    const dir = await tempDir('rebuilt');
    const [technician, customer] = [`${dir.path}/technician`, `${dir.path}/customer`];
    const build = async (text: string) => {
      await rm(technician, { recursive: true, force: true });
      await mkdir(`${technician}/assets`, { recursive: true });
      await writeFile(`${technician}/assets/index-${text.padEnd(8, '0')}.js`, text);
      await writeFile(`${technician}/index.html`, `<!doctype html><title>${text}</title>`);
    };
    await build('old');
    const gateway = await testGateway('in-process', { portals: { technician, customer } });
    const get = (path: string, headers = {}) =>
      fetch(gateway.url + path, { headers: { accept: 'text/html', ...headers } });
    const before = await get('/tickets');
    expect(await before.text()).toContain('<title>old</title>');
    for (const text of ['much longer', 'b']) {
      await build(text.replaceAll(' ', '-'));
      // Whoever has the old page gets the new one, not "unchanged", and all of it; its code too, whoever asks first.
      const code = await get(`/assets/index-${text.replaceAll(' ', '-').padEnd(8, '0')}.js`);
      expect([text, code.status]).toEqual([text, 200]);
      const after = await get('/tickets', { 'if-none-match': before.headers.get('etag')! });
      expect(after.status).toBe(200);
      expect(await after.text()).toBe(`<!doctype html><title>${text.replaceAll(' ', '-')}</title>`);
    }
    expect((await get('/assets/index-old00000.js', { accept: '*/*' })).status).toBe(404);
    await gateway.close();
    await dir.remove();
  });

  it('takes no other methods', async () => {
    const response = await fetch(`${test.url}/`, { method: 'POST', body: 'x' });
    expect(response.status).toBe(405);
    expect((await bodyOf(response)).error.allowed).toEqual(['GET', 'HEAD']);
  });

  it('says what to do when a portal is not built', async () => {
    const bare = await testGateway('in-process', {
      portals: { technician: '/nowhere', customer: '/nowhere' },
    });
    const response = await fetch(`${bare.url}/`, { headers: { accept: 'text/html' } });
    expect(response.status).toBe(503);
    expect((await bodyOf(response)).error.message).toContain('npm start');
    await bare.close();
  });
});
