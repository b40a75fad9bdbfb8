import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@psa/test-kit/free-port';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseServers, rotationOf, type ServerState, silentEdges } from './haproxy-stats.ts';

let dir: TempDir;
let haproxy: ChildProcess;
let replica: Server;

const say = (command: string) =>
  spawnSync('socat', ['-t5', 'stdio', join(dir.path, 's')], { input: `${command}\n`, encoding: 'utf8' })
    .stdout;
async function seen(good: (states: readonly ServerState[]) => boolean): Promise<readonly ServerState[]> {
  for (let look = 0; look < 400; look++) {
    const states = parseServers(say('show servers state; show stat'));
    if (good(states)) return states;
    await sleep(50);
  }
  throw new Error(say('show servers state; show stat'));
}

beforeAll(async () => {
  dir = await tempDir('stats');
  replica = createServer((_, response) => void response.end('ok'));
  await new Promise<void>((done) => replica.listen(0, '127.0.0.1', done));
  const config = join(dir.path, 'haproxy.cfg');
  await writeFile(
    config,
    `global
  stats socket ${join(dir.path, 's')} mode 600 level admin
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend edge
  bind 127.0.0.1:${await freePort()}
  default_backend crm
backend crm
  option httpchk
  default-server check inter 200ms fall 1 rise 1
  server psa-crm-1 127.0.0.1:${(replica.address() as AddressInfo).port}
  server psa-crm-2 127.0.0.1:${await freePort()}
`,
  );
  haproxy = spawn('haproxy', ['-db', '-f', config], { stdio: 'ignore' });
});
afterAll(async () => {
  haproxy.kill();
  replica.close();
  await dir.remove();
});

describe('what a real HAProxy says', () => {
  it('is who serves, who is ill and who was drained', async () => {
    const states = await seen((all) => all.length === 2 && all[0]!.up && all[1]!.check.startsWith('L4'));
    expect(
      states.map(({ backend, server, drained, up, sessions }) => ({
        backend,
        server,
        drained,
        up,
        sessions,
      })),
    ).toEqual([
      { backend: 'crm', server: 'psa-crm-1', drained: false, up: true, sessions: 0 },
      { backend: 'crm', server: 'psa-crm-2', drained: false, up: false, sessions: 0 },
    ]);
    expect(rotationOf([states], 'crm', 'psa-crm-1')).toBe('serving');
    expect(rotationOf([states], 'crm', 'psa-crm-2')).toBe('out');
    say('set server crm/psa-crm-1 state drain');
    const drained = await seen((all) => all[0]?.drained === true);
    expect(rotationOf([drained], 'crm', 'psa-crm-1')).toBe('drained');
    // One HAProxy that drains is enough; one that never heard of a server gives it nothing.
    expect(rotationOf([states, drained], 'crm', 'psa-crm-1')).toBe('drained');
    expect(rotationOf([states, []], 'crm', 'psa-crm-1')).toBe('out');
    expect(rotationOf([], 'crm', 'psa-crm-1')).toBe('out');
    say('set server crm/psa-crm-1 state ready');
    await seen((all) => all[0]?.drained === false && all[0].up);
  });
});

it('an edge is silent when its HAProxy does not run: then only its addresses are answered', () => {
  const address = '2: eth0    inet 10.0.20.10/24 scope global eth0';
  const runs = `${address}\n${say('show servers state; show stat')}`;
  const edge = (id: number, text: string) => ({ container: { id }, text });
  expect([...silentEdges([edge(200, runs), edge(201, address), edge(202, '')])]).toEqual([201, 202]);
});
