import { existsSync } from 'node:fs';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '@psa/test-kit/free-port';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BareDebian, type Running } from './bare-debian.test-helper.ts';
import { run } from './run.ts';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const CLONE = '/srv/psa-platform';
const PASSWORD = 'Fresh-Machine-2026!';

/** README's commands on a Debian 12 that has nothing but its own nodejs and npm. Half an hour; `npm run drills`. */
describe('a fresh machine', () => {
  let folder: TempDir;
  let debian: BareDebian;
  let running: Running | null = null;

  beforeAll(async () => {
    folder = await tempDir('fresh');
    debian = await BareDebian.make(join(folder.path, 'root'));
    // What is committed, as somebody else would get it.
    await run('git', ['clone', '--quiet', '--no-hardlinks', REPOSITORY, join(debian.root, CLONE)]);
    const shared = join(REPOSITORY, '../shared');
    // Recordings that some tests read; who has them has them beside the clone.
    if (existsSync(shared)) await cp(shared, join(debian.root, CLONE, '../shared'), { recursive: true });
  });
  afterAll(async () => {
    running?.kill();
    await running?.ended;
    await folder?.remove();
  });

  it('npm start brings the platform up, and one can sign in', async () => {
    const port = String(await freePort());
    running = debian.start(CLONE, 'npm start', { PORT: port, PSA_DEMO_PASSWORD: PASSWORD });
    let over = false;
    void running.ended.then(() => {
      over = true;
    });
    const address = `http://127.0.0.1:${port}`;
    while (!over && !running.output().includes(address)) await sleep(500);
    const answer = await fetch(`${address}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'admin@demo.example', password: PASSWORD }),
    }).catch((error: unknown) => error);
    expect(answer, running.output()).toMatchObject({ status: 200 });
    running.kill();
    await running.ended;
  });

  it('has downloaded less than 180 MB for that', async () => {
    const { output } = await debian.start(CLONE, 'du -sb /root/.npm/_cacache').ended;
    const bytes = Number(/^(\d+)\s/m.exec(output)?.[1]);
    expect(bytes).toBeGreaterThan(80e6);
    expect(bytes).toBeLessThan(180e6);
  });

  it('npm test passes', async () => {
    running = debian.start(CLONE, 'npm test');
    const { code, output } = await running.ended;
    expect(code, output.slice(-20_000)).toBe(0);
    expect(output).toMatch(/Tests .*\d+ passed/);
    expect(output).not.toMatch(/\d+ failed/);
  });

  it.each(['vitest', 'vite', 'knip', 'tsc', 'biome', 'psactl', 'playwright-core'])(
    "node_modules/.bin/%s runs, though Debian's Node is another",
    async (command) => {
      const { code, output } = await debian.start(CLONE, `node_modules/.bin/${command} --version`).ended;
      expect(code, output).toBe(0);
    },
  );

  it('npm run lab goes through all its steps', async () => {
    running = debian.start(CLONE, 'npm run lab; code=$?; npm run lab -- --down; exit $code');
    const { code, output } = await running.ended;
    const times = await readFile(join(debian.root, CLONE, 'dist/lab-times.json'), 'utf8').catch(() => '{}');
    const { steps = [] } = JSON.parse(times) as { steps?: { step: string; ok: boolean }[] };
    const failed = steps.filter(({ ok }) => !ok).map(({ step }) => step);
    expect({ code, failed }, output.slice(-20_000)).toEqual({ code: 0, failed: [] });
  });
});
