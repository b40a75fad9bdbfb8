import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '@psa/test-kit/free-port';
import { ServerProcess } from '@psa/test-kit/server-process';
import { tempDir } from '@psa/test-kit/temp-dir';
import { expect, it } from 'vitest';
import { contentsOf } from '../contents/contents.ts';
import { newSecrets } from '../contents/secrets.ts';
import { example } from '../inventory/example.test-helper.ts';
import { expand, siteOf } from '../inventory/expand.ts';

it('a Redis that begins to append to a file has what was in its snapshots, and loses nothing by a crash', async () => {
  const inventory = example();
  const site = siteOf(inventory);
  const container = expand(inventory, site).find(({ name }) => name === 'psa-redis-1')!;
  const { files } = contentsOf(inventory, site, container, newSecrets(['redis']));
  const dir = await tempDir('redis-append');
  try {
    const [data, etc, bin] = ['data', 'etc', 'bin'].map((name) => join(dir.path, name)) as [
      string,
      string,
      string,
    ];
    for (const folder of [data, etc, bin]) await mkdir(folder);
    // Whose the files are is root's to say, and nobody answers on the others' addresses here.
    for (const name of ['chown', 'redis-cli'])
      await writeFile(join(bin, name), '#!/bin/sh\n', { mode: 0o755 });
    const here = (text: string) => text.replaceAll('/var/lib/redis', data).replaceAll('/etc/redis', etc);
    const fileAt = (path: string) => here(files.find((file) => file.path === path)!.text);
    const port = await freePort();
    const conf = fileAt('/etc/redis/psa-redis.conf')
      .replace(/^bind .*$/m, 'bind 127.0.0.1')
      .replace(/^port .*$/m, `port ${port}`)
      .replace(/^min-replicas-to-write .*$/m, 'min-replicas-to-write 0');
    await writeFile(join(etc, 'psa-redis.conf'), conf);
    const prepare = fileAt('/usr/local/sbin/psa-redis-prepare');
    const password = /^requirepass (.*)$/m.exec(conf)![1]!;
    const cli = (...args: string[]) =>
      execFileSync('redis-cli', ['-p', `${port}`, '--no-auth-warning', '-a', password, ...args], {
        encoding: 'utf8',
      }).trim();
    const server = (...more: string[]) =>
      new ServerProcess(
        'redis-server',
        [join(data, 'psa-redis.conf'), ...more],
        { PATH: process.env.PATH },
        port,
      );

    // As it was before: snapshots alone.
    const prepared = () =>
      execFileSync('sh', ['-c', prepare, 'prepare', 'redis'], {
        env: { PATH: `${bin}:${process.env.PATH}` },
      });
    prepared();
    const old = server('--appendonly', 'no');
    await old.start();
    cli('set', 'before', '1');
    await old.end('SIGTERM');
    prepared();
    const now = server();
    await now.start();
    expect(cli('get', 'before')).toBe('1');
    expect(cli('config', 'get', 'appendonly')).toContain('yes');
    cli('set', 'after', '2');
    // A second, and it is on the disk.
    cli('config', 'set', 'appendfsync', 'always');
    cli('set', 'last', '3');
    await now.end('SIGKILL');
    prepared();
    await now.start();
    expect([cli('get', 'before'), cli('get', 'after'), cli('get', 'last')]).toEqual(['1', '2', '3']);
    await now.end('SIGKILL');
    expect(await readFile(join(data, 'appendonlydir/appendonly.aof.manifest'), 'utf8')).toContain('type b');
  } finally {
    await dir.remove();
  }
});
