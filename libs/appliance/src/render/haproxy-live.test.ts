import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { example } from '../inventory/example.test-helper.ts';
import { certificateIn } from './certificate.test-helper.ts';
import { renderHaproxy } from './haproxy.ts';

/** Debian package haproxy. */
const HAPROXY = 'haproxy';

/**
 * HAProxy itself with the rendered file. The subnets 10.0.x are moved to 127.0.x, which are all ours on Linux, and
 * what it listens on to free ports; behind it stand small servers in place of the gateway, a service and Patroni.
 */
const EDGE = '127.0.40.10';
const RATE = 120;
const folder = mkdtempSync(join(tmpdir(), 'psa-haproxy-'));
const socketPath = join(folder, 'admin.sock');
const servers: Server[] = [];
const ports = {
  http: 0,
  https: 0,
  crm: 0,
  write: 0,
  read: 0,
  app: 0,
  bouncer: 0,
  patroni: 0,
  peers: 0,
  metrics: 0,
};
/** Role of each member of PostgreSQL, as its Patroni tells it. */
const roles = new Map([
  ['127.0.30.10', 'primary'],
  ['127.0.30.11', 'replica'],
  ['127.0.30.12', 'replica'],
]);
const notReady = new Set<string>();
let haproxy: ChildProcess;
let log = '';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  servers.push(server);
  server.listen(port, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A port that is free on every address. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '0.0.0.0');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function ask(
  url: string,
  options: { headers?: Record<string, string>; from?: string; agent?: Agent } = {},
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const request = url.startsWith('https') ? httpsRequest : httpRequest;
  request(
    url,
    {
      agent: options.agent ?? false,
      rejectUnauthorized: false,
      localAddress: options.from ?? '127.0.10.99',
      headers: options.headers ?? {},
    },
    (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
      response.on('error', reject);
    },
  )
    .on('error', reject)
    .end();
  return promise;
}

/** Opens a connection; resolves with the name of the member that greets, or null when it is closed instead. */
async function greeting(
  port: number,
  from = '127.0.20.50',
): Promise<{ member: string | null; closed: Promise<void> }> {
  const socket = connect({ host: EDGE, port, localAddress: from });
  const gone = Promise.withResolvers<void>();
  const member = Promise.withResolvers<string | null>();
  socket.on('error', () => {});
  socket.on('data', (data) => member.resolve(String(data)));
  socket.on('close', () => {
    member.resolve(null);
    gone.resolve();
  });
  return { member: await member.promise, closed: gone.promise };
}

/** A command to HAProxy's socket. */
async function admin(command: string): Promise<string> {
  const socket = connect(socketPath);
  socket.end(`${command}\n`);
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text;
}

/** Waits until something is so; health checks run each second. */
async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 150; turn++) {
    if (await check().catch(() => false)) return;
    await sleep(100);
  }
  throw new Error(`Not so after 15 s: ${what}\n${log}`);
}

const web = (path: string) => `https://${EDGE}:${ports.https}${path}`;

beforeAll(async () => {
  for (const name of Object.keys(ports) as (keyof typeof ports)[]) ports[name] = await freePort();
  const inventory = example();
  inventory.tls.certificate_file = certificateIn(folder);
  inventory.data.haproxy.requests_per_10s = RATE;
  for (const service of inventory.services) service.port = ports.app;
  for (const address of ['127.0.20.10', '127.0.20.11', '127.0.20.30', '127.0.20.31'])
    await listen(
      createHttp((request, response) => {
        const ready = request.url !== '/health' || !notReady.has(address);
        response.writeHead(ready ? 200 : 503, { 'content-type': 'application/json', server: 'x' });
        response.end(JSON.stringify({ address, headers: request.headers, url: request.url }));
      }),
      address,
      ports.app,
    );
  for (const member of roles.keys()) {
    await listen(
      createHttp((request, response) => {
        const asked = request.url!.split('?')[0]!.slice(1);
        response.writeHead(roles.get(member) === asked ? 200 : 503).end();
      }),
      member,
      ports.patroni,
    );
    await listen(
      createServer((socket) => {
        socket.on('error', () => {});
        socket.write(member);
      }),
      member,
      ports.bouncer,
    );
  }
  const moved = renderHaproxy(inventory)[0]!
    .text.replaceAll(/\b10\.0\./g, '127.0.')
    .replace('/run/haproxy/admin.sock mode 660', `${socketPath} mode 600`)
    .replace('/var/lib/haproxy/server-state', join(folder, 'server-state'))
    .replace(/^ {4}(chroot|user|group|log \/dev).*\n/gm, '')
    .replace('maxconn 20000', 'maxconn 1000')
    .replaceAll(':6432', `:${ports.bouncer}`)
    .replaceAll('port 8008', `port ${ports.patroni}`)
    .replaceAll(':10000', `:${ports.peers}`)
    .replace('127.0.40.12:', '127.0.40.11:')
    .replace('bind :80\n', `bind ${EDGE}:${ports.http}\n`)
    .replace('bind :443 ', `bind ${EDGE}:${ports.https} `)
    .replace('bind :3002\n', `bind ${EDGE}:${ports.crm}\n`)
    .replace('bind :5432\n', `bind ${EDGE}:${ports.write}\n`)
    .replace('bind :5433\n', `bind ${EDGE}:${ports.read}\n`)
    .replace('bind :8405\n', `bind ${EDGE}:${ports.metrics}\n`)
    // The frontends that no test asks.
    .replaceAll(/bind :(\d+)\n/g, (_, port) => `bind unix@${folder}/${port}.sock\n`);
  writeFileSync(join(folder, 'server-state'), '1\n');
  writeFileSync(join(folder, 'haproxy.cfg'), moved);
  haproxy = spawn(HAPROXY, ['-db', '-f', join(folder, 'haproxy.cfg')], {
    env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin` },
  });
  haproxy.on('error', (error) => (log += `Debian package haproxy: ${error.message}`));
  haproxy.stderr!.on('data', (chunk) => (log += chunk));
  await until('HAProxy answers and has chosen a primary', async () => {
    const states = await admin('show servers state postgres-primary');
    return (await greeting(ports.write)).member === '127.0.30.10' && states.includes('psa-postgres-1');
  });
});

afterAll(async () => {
  haproxy?.kill('SIGKILL');
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('HAProxy with the rendered file', () => {
  it('sends plain HTTP to HTTPS', async () => {
    const answer = await ask(`http://${EDGE}:${ports.http}/tickets?a=1`, {
      headers: { host: 'psa.example.com' },
    });
    expect([answer.status, answer.headers.location]).toEqual([301, 'https://psa.example.com/tickets?a=1']);
  });

  it('serves the gateway with HSTS, and says who asks whatever the client claims', async () => {
    const claims = { 'x-forwarded-for': '1.2.3.4', forwarded: 'for=1.2.3.4', 'x-forwarded-proto': 'http' };
    const answer = await ask(web('/api/v1/tickets'), { headers: claims });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'strict-transport-security': 'max-age=31536000; includeSubDomains',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    expect(answer.headers.server).toBeUndefined();
    const { headers } = JSON.parse(answer.body) as { headers: IncomingHttpHeaders };
    expect(headers).toMatchObject({ 'x-forwarded-for': '127.0.10.99', 'x-forwarded-proto': 'https' });
    expect(headers.forwarded).toBeUndefined();
  });

  it('hides what is for the inside', async () => {
    for (const path of ['/internal', '/internal/x', '//internal/x', '/%69nternal/x', '/metrics', '/metrics/'])
      expect([path, (await ask(web(path))).status]).toEqual([path, 404]);
    expect((await ask(web('/internals'))).status).toBe(200);
  });

  it('lets the services reach each other, and nobody else', async () => {
    const url = `http://${EDGE}:${ports.crm}/internal/v1/x`;
    expect((await ask(url, { from: '127.0.20.50' })).status).toBe(200);
    await expect(ask(url, { from: '127.0.10.99' })).rejects.toThrow(/ECONNRESET|socket hang up/);
    await expect(ask(`http://${EDGE}:${ports.metrics}/metrics`, { from: '127.0.20.50' })).rejects.toThrow();
    const metrics = await ask(`http://${EDGE}:${ports.metrics}/metrics`, { from: '127.0.10.40' });
    expect(metrics.body).toMatch(/^haproxy_backend_active_servers\{proxy="crm"\} 2$/m);
  });

  it('gives a drained server nothing more, and takes it back', async () => {
    const askedServers = async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask(web('/'))));
      expect(new Set(answers.map((one) => one.status))).toEqual(new Set([200]));
      return new Set(answers.map((one) => (JSON.parse(one.body) as { address: string }).address));
    };
    expect(await askedServers()).toEqual(new Set(['127.0.20.10', '127.0.20.11']));
    await admin('set server gateway/psa-gateway-1 state drain');
    expect(await askedServers()).toEqual(new Set(['127.0.20.11']));
    await admin('set server gateway/psa-gateway-1 state ready');
    expect(await askedServers()).toEqual(new Set(['127.0.20.10', '127.0.20.11']));
  });

  it('passes over a replica that is not ready', async () => {
    notReady.add('127.0.20.30');
    await until('the replica is out', async () =>
      /^haproxy_backend_active_servers\{proxy="crm"\} 1$/m.test(
        (await ask(`http://${EDGE}:${ports.metrics}/metrics`, { from: '127.0.10.40' })).body,
      ),
    );
    for (let turn = 0; turn < 4; turn++) {
      const answer = await ask(`http://${EDGE}:${ports.crm}/x`, { from: '127.0.20.50' });
      expect(JSON.parse(answer.body)).toMatchObject({ address: '127.0.20.31' });
    }
    notReady.delete('127.0.20.30');
  });

  it('refuses the database to everybody but the services', async () => {
    expect((await greeting(ports.write)).member).toBe('127.0.30.10');
    expect((await greeting(ports.write, '127.0.10.99')).member).toBeNull();
    expect((await greeting(ports.read, '127.0.10.99')).member).toBeNull();
  });

  it('leads writes to the primary and reads to the replicas, and follows when the roles change', async () => {
    const replicas = new Set<string | null>();
    for (let turn = 0; turn < 4; turn++) replicas.add((await greeting(ports.read)).member);
    expect(replicas).toEqual(new Set(['127.0.30.11', '127.0.30.12']));

    const before = await greeting(ports.write);
    expect(before.member).toBe('127.0.30.10');
    roles.set('127.0.30.10', 'gone');
    roles.set('127.0.30.11', 'primary');
    // A connection to the old primary is cut: it must not go on writing there.
    await before.closed;
    await until(
      'writes go to the new primary',
      async () => (await greeting(ports.write)).member === '127.0.30.11',
    );

    roles.set('127.0.30.12', 'gone');
    await until('reads go to the primary when no replica is left', async () => {
      const members = await Promise.all([greeting(ports.read), greeting(ports.read)]);
      return members.every((one) => one.member === '127.0.30.11');
    });

    roles.set('127.0.30.11', 'gone');
    await until('nobody takes writes', async () => (await greeting(ports.write)).member === null);
  });

  it('tells an address that asks too often when to come back, and serves the others', async () => {
    // Kept connections: the count is of requests, and ten seconds must not pass on a slow machine.
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    const flood = await Promise.all(
      Array.from({ length: RATE + 30 }, () => ask(web('/'), { from: '127.0.10.77', agent })),
    );
    agent.destroy();
    const refused = flood.filter((one) => one.status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(1);
    expect(refused[0]!.headers['retry-after']).toBe('10');
    expect((await ask(web('/'), { from: '127.0.10.78' })).status).toBe(200);
  });
});
