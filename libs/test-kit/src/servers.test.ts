import { stat } from 'node:fs/promises';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { startRedis } from './redis.ts';
import { tempDir } from './temp-dir.ts';

describe('private servers', () => {
  it('Redis keeps its data over an orderly end, and stop leaves nothing running', async () => {
    const server = await startRedis();
    const redis = new Redis(server.url);
    await redis.set('a', '1');
    const first = server.pid;
    await server.end();
    expect(server.pid).toBe(0);
    await server.start();
    expect(server.pid).not.toBe(first);
    expect(await redis.get('a')).toBe('1');
    redis.disconnect();
    await server.stop();
    expect(server.pid).toBe(0);
  });

  it('a temporary folder is there until removed', async () => {
    const dir = await tempDir('x');
    expect((await stat(dir.path)).isDirectory()).toBe(true);
    await dir.remove();
    await dir.remove();
    await expect(stat(dir.path)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
