import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { execute, specOf } from '../runtime.contract.ts';
import { FakeRuntime } from './fake-runtime.ts';

let folder: TempDir;
let runtime: FakeRuntime;
beforeAll(async () => {
  folder = await tempDir('fake-attach');
  runtime = new FakeRuntime({
    folder: join(folder.path, 'running'),
    network: { attachment: () => ({ namespace: 'pve1', link: 'vmbr0v20' }) },
  });
  for (const id of [101, 102, 103]) {
    await mkdir(rootOf(id));
    await runtime.start(specOf('pve1', id, rootOf(id)));
  }
});
afterAll(() => folder.remove());

const rootOf = (id: number) => join(folder.path, String(id));
const put = async (id: number, path: string, text: string, mode = 0o644) => {
  await mkdir(dirname(join(rootOf(id), path)), { recursive: true });
  await writeFile(join(rootOf(id), path), text, { mode });
};
const run = (id: number, ...argv: string[]) => execute(runtime, ['pve1', id], argv);
const say = async (id: number, ...argv: string[]) => (await run(id, ...argv)).stdout;

describe('a program in a fake container', () => {
  it('finds the container’s files wherever their paths stand, and the machine’s where they are its own', async () => {
    const script =
      'echo one >/etc/a; cat </etc/a; cat "/etc/a"; x=/tmp/b; echo two>$x; cat /tmp/b /etc/none 2>/dev/null';
    expect(await say(101, 'sh', '-c', script)).toBe('one\none\ntwo\n');
    expect(await readFile(join(rootOf(101), 'etc/a'), 'utf8')).toBe('one\n');
    expect(await say(101, 'cat', '/etc/a', '/tmp/b')).toBe('one\ntwo\n');
    expect(await say(101, 'sh', '-c', 'echo "$1" http://x/etc/y:8080/var s/etc/x/', 'sh', 'a/etc/b')).toBe(
      'a/etc/b http://x/etc/y:8080/var s/etc/x/\n',
    );
  });

  it('does not find those of /usr/local by their names, unless its environment says so', async () => {
    await put(101, 'usr/local/sbin/own', '#!/bin/sh\necho "own $LANG $(hostname)"\n', 0o755);
    const { code, stderr } = await run(101, 'own');
    expect([code, stderr]).toEqual([127, expect.stringContaining('Failed to exec "own"')]);
    expect(await say(101, '/usr/local/sbin/own')).toBe('own  ct101\n');
    const env = ['/usr/bin/env', '-i', 'LANG=C', 'PATH=/usr/bin:/usr/local/sbin:/bin'];
    expect(await say(101, ...env, 'own')).toBe('own C ct101\n');
    expect(await say(101, ...env, 'sh', '-c', 'own')).toBe('own C ct101\n');
    expect((await run(101, ...env, 'none')).code).toBe(127);
  });

  it('has units that run, that come up with it, and that do not', async () => {
    await run(102, 'systemctl', 'enable', '--now', 'a.service');
    await run(102, 'systemctl', 'start', 'b');
    expect(await run(102, 'systemctl', 'is-active', 'a', 'b', 'c')).toMatchObject({
      code: 3,
      stdout: 'active\nactive\ninactive\n',
    });
    await runtime.stop('pve1', 102);
    await runtime.start(specOf('pve1', 102, rootOf(102)));
    expect((await run(102, 'systemctl', 'is-active', 'a', 'b')).stdout).toBe('active\ninactive\n');
    expect((await run(102, 'systemctl', 'is-enabled', '--quiet', 'b')).code).toBe(1);
  });
});

describe('the servers of fake containers', () => {
  const active = (id: number, ...units: string[]) => run(id, 'systemctl', 'start', ...units);

  it('answer where their units run: the first of a part leads it', async () => {
    for (const id of [102, 103]) {
      await put(id, 'etc/patroni/config.yml', 'bootstrap:\n  dcs:\n    synchronous_mode: true\n');
      await active(id, 'patroni.service', 'redis-sentinel.service', 'rabbitmq-server.service');
    }
    const cluster = JSON.parse(await say(101, 'curl', '-s', '-m', '5', 'http://10.0.20.103:8008/cluster'));
    expect(cluster.members.map(({ name, role }: Record<string, string>) => [name, role])).toEqual([
      ['ct102', 'leader'],
      ['ct103', 'sync_standby'],
    ]);
    expect(await say(103, 'curl', '-s', 'http://127.0.0.1:15692/metrics')).toContain(
      'erlang_vm_dist_node_state{peer="rabbit@ct102"} 3',
    );
    expect(await say(103, 'redis-cli', '-p', '26379', '--raw', 'sentinel', 'master', 'psa')).toContain(
      'ip\n10.0.20.102\nflags\nmaster\nnum-slaves\n1\n',
    );
    await runtime.stop('pve1', 102);
    expect(await say(101, 'curl', '-s', 'http://10.0.20.103:8008/cluster')).toContain(
      '"ct103","role":"leader"',
    );
    const away = await run(101, 'curl', '-s', '-w', '%{http_code}', 'http://10.0.20.102:8008/cluster');
    expect(away).toMatchObject({ code: 7, stdout: '000' });
  });

  it('HAProxy drains, and finds who is well', async () => {
    await put(
      101,
      'etc/haproxy/haproxy.cfg',
      `defaults
    timeout server 60s
listen postgres-primary
    server ct102 10.0.20.102:6432
    server ct103 10.0.20.103:6432
backend web
    server ct103 10.0.20.103:3000
`,
    );
    await active(101, 'haproxy.service');
    const socket = (commands: string) =>
      say(101, 'sh', '-c', `echo '${commands}' | socat -t5 stdio /run/haproxy/admin.sock`);
    expect(await socket('set server web/ct103 state drain')).toBe('\n');
    const lines = (await socket('show servers state; show stat')).split('\n');
    expect(lines).toContain('1 web 3 ct103 10.0.20.103 2 8');
    expect(lines.filter((line) => /^(postgres|web).*,/.test(line))).toEqual([
      'postgres-primary,ct102,0,DOWN,L4CON,',
      'postgres-primary,ct103,0,UP,L7OK,200',
      'web,ct103,0,DRAIN,L7OK,200',
    ]);
    await socket('set server web/ct103 state ready');
    expect(await socket('show stat')).toContain('web,ct103,0,UP,L7OK,200');
  });
});
