import { CHILD_ENV } from '@psa/test-kit/child-env';
import { freePort } from '@psa/test-kit/free-port';
import { copyPlatformData, DEMO_PASSWORD } from '@psa/test-kit/platform';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fullDisk, mountSmallDisk } from './full-disk.ts';
import { type BrokenInto, startBrokenInto } from './platform.ts';
import { runBreaking } from './run.ts';

let dir: TempDir;
let platform: BrokenInto;
let unmount: (() => void) | null = null;
/** Only root can mount a disk small enough to be filled. */
const isRoot = process.getuid?.() === 0;

beforeAll(async () => {
  dir = await tempDir('breaking');
  if (isRoot) unmount = mountSmallDisk(dir.path, 600);
  await copyPlatformData('demo', `${dir.path}/data`);
  platform = await startBrokenInto({
    ...{ dataDir: `${dir.path}/data`, password: DEMO_PASSWORD },
    port: await freePort(),
    env: CHILD_ENV,
  });
});
afterAll(async () => {
  await platform?.stop();
  unmount?.();
  await dir?.remove();
});

it('twenty seconds of breaking requests: none is a 5xx, nobody else gets one, and /health goes on answering', async () => {
  const { url, token, otherToken, requests } = platform;
  const figures = await runBreaking({
    ...{ url, token, otherToken, requests },
    ...{ durationMs: 20_000, idleMs: 2_000, side: 2 },
  });
  expect(figures.failures).toEqual([]);
  expect(Object.keys(figures.others).sort()).toEqual(['200', '201']);
  expect(figures.health.count).toBeGreaterThan(0);
  // How fast is for the drill to say: in this run other tests share the machine.
  expect(figures.health.failed).toBe(0);
  expect(platform.child.exitCode).toBeNull();
});

it.runIf(isRoot)(
  'a full disk refuses changes and says so, reading goes on, and all comes back with room',
  async () => {
    const { url, otherToken: token } = platform;
    const full = await fullDisk({ folder: dir.path, url, token, durationMs: 5_000 });
    expect(new Set(full.reads)).toEqual(new Set([200]));
    expect(new Set(full.writes)).toEqual(new Set([507]));
    expect(new Set(full.ready)).toEqual(new Set([503]));
    expect(full.said).toContain('0 MiB are left');
    const ready = await fetch(`${url}/ready`);
    expect(ready.status, await ready.text()).toBe(200);
    expect(platform.child.exitCode).toBeNull();
  },
);
