import { randomBytes, randomInt } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { freePort } from '@psa/test-kit/free-port';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { labControl, labDown, labUp } from './control.ts';
import { pretendedDaemon } from './daemon/pretended-daemon.test-helper.ts';

let folder: TempDir;
let dir: string;
beforeEach(async () => {
  folder = await tempDir('control');
  dir = join(folder.path, 'lab');
});
afterEach(async () => {
  await labDown(dir);
  await folder.remove();
});

describe('bringing a lab up', () => {
  it('starts a daemon of its own when the one that had the lab dies without having answered', async () => {
    // What a daemon looks like that was killed and is not gone yet: it has the lab, and no socket.
    const dying = await pretendedDaemon(dir);
    mkdirSync(join(dir, 'run'), { recursive: true });
    writeFileSync(join(dir, 'run', 'labd.pid'), `${dying.pid}\n`);
    const steps: string[] = [];
    const up = labUp({
      ...{ dir, name: `psa${randomBytes(3).toString('hex')}`, runtime: 'fake', timeFactor: 0.05 },
      loopback: `127.${randomInt(130, 200)}.${randomInt(1, 250)}`,
      ...{ apiPort: await freePort(), sshPort: await freePort(), portalPort: await freePort() },
      onStep: (text) => {
        steps.push(text);
        if (text.includes('runs already')) dying.kill('SIGKILL');
      },
    });
    const { pid } = await up;
    expect(steps[0]).toContain('runs already');
    expect((await labControl(dir).status()).pid).toBe(pid);
  });

  it('takes one that is killed before it answers for down', async () => {
    mkdirSync(join(dir, 'run'), { recursive: true });
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(join(dir, 'run', 'control.sock'), resolve));
    try {
      await expect(labControl(dir).status()).rejects.toMatchObject({
        isDown: true,
        message: expect.stringContaining('ended without an answer'),
      });
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
