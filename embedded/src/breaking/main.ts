import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fullDisk, mountSmallDisk } from './full-disk.ts';
import { startBrokenInto } from './platform.ts';
import { runBreaking } from './run.ts';

/** `node embedded/src/breaking/main.ts --minutes 10`: the breaking run, with a full disk at its end where it is root. */
const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
const folder = mkdtempSync(join(tmpdir(), 'psa-breaking-'));
const isRoot = process.getuid?.() === 0;
const unmount = isRoot ? mountSmallDisk(folder, 900) : null;
mkdirSync(`${folder}/data`);
const port = await new Promise<number>((resolve) => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const { port } = probe.address() as { port: number };
    probe.close(() => resolve(port));
  });
});
const platform = await startBrokenInto({
  dataDir: `${folder}/data`,
  port,
  password: 'four quiet herons',
  env: process.env,
});
try {
  const { url, token, otherToken, requests } = platform;
  const figures = await runBreaking({
    ...{ url, token, otherToken, requests },
    durationMs: Number(values.minutes) * 60_000,
    idleMs: 20_000,
    side: 4,
  });
  console.log(JSON.stringify(figures, null, 2));
  if (unmount) {
    const full = await fullDisk({ ...{ folder, url }, token: otherToken, durationMs: 10_000 });
    console.log(JSON.stringify(full));
  }
  const broken = Object.entries(figures.others).filter(([status]) => !/^2/.test(status));
  if (figures.health.late > 0 || broken.length > 0) process.exitCode = 1;
} finally {
  await platform.stop();
  unmount?.();
  rmSync(folder, { recursive: true, force: true });
}
