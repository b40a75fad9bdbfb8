import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readlink, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forwardInto, forwardOutOf, forwardToSocket } from './forward.ts';
import { addNamespaces, ipBatch, namespaceFile, removeNamespaces } from './namespaces.ts';

const NAMESPACE = `psaf${process.pid}-x`;

async function pidsInside(): Promise<number[]> {
  const { ino } = await stat(namespaceFile(NAMESPACE));
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const places = await Promise.all(
    pids.map(async (pid) => ({ pid, at: await readlink(`/proc/${pid}/ns/net`).catch(() => '') })),
  );
  return places.filter((one) => one.at === `net:[${ino}]`).map((one) => Number(one.pid));
}

/** loopback → unix socket → into the namespace → out of it → unix socket → the server here: every way there is. */
describe('forwards', () => {
  let folder: string;
  let base: string;
  const closing: (() => Promise<unknown>)[] = [];
  const into = () =>
    forwardInto({
      ...{ namespace: NAMESPACE, socket: join(folder, 'in.sock'), pidFile: join(folder, 'in.pid') },
      to: { host: '127.0.0.1', port: 8006 },
    });
  const outOf = () =>
    forwardOutOf({
      ...{ namespace: NAMESPACE, socket: join(folder, 'api.sock'), pidFile: join(folder, 'out.pid') },
      listen: { host: '127.0.0.1', port: 8006 },
    });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'psa-forward-'));
    await addNamespaces([NAMESPACE]);
    await ipBatch(NAMESPACE, ['link set lo up']);
    const server = createServer(async (request, response) => {
      const hash = createHash('sha256');
      for await (const chunk of request) hash.update(chunk as Buffer);
      // Answers after a while, as a long task does: the forward must not lose patience with a client that has said all.
      setTimeout(
        () => response.end(`${request.url} ${hash.digest('hex')}`),
        request.url === '/slow' ? 1_500 : 0,
      );
    });
    // Else Node's own server hangs up on a client that has closed its half.
    Object.assign(server, { httpAllowHalfOpen: true });
    server.listen(join(folder, 'api.sock'));
    await once(server, 'listening');
    closing.push(async () => server.close());
    await outOf();
    await into();
    const edge = await forwardToSocket({ host: '127.0.0.1', port: 0 }, join(folder, 'in.sock'));
    closing.push(async () => edge.close());
    base = `http://127.0.0.1:${(edge.address() as AddressInfo).port}`;
  });

  afterAll(async () => {
    for (const close of closing) await close();
    await removeNamespaces([NAMESPACE]);
    await rm(folder, { recursive: true });
  });

  const send = async (path: string, body: Buffer) =>
    (await fetch(base + path, { method: 'POST', body })).text();

  it('carry what is sent, whole, many at a time', async () => {
    const bodies = Array.from({ length: 12 }, (_, index) => randomBytes(index * 300_000));
    const answers = await Promise.all(bodies.map((body, index) => send(`/${index}`, body)));
    expect(answers).toEqual(
      bodies.map((body, index) => `/${index} ${createHash('sha256').update(body).digest('hex')}`),
    );
  });

  it('wait for the answer of a client that has closed its half', async () => {
    const socket = connect({ port: Number(new URL(base).port), host: '127.0.0.1', allowHalfOpen: true });
    let text = '';
    socket.on('data', (chunk) => (text += chunk));
    socket.end('GET /slow HTTP/1.0\r\n\r\n');
    await once(socket, 'end');
    expect(text).toContain('/slow');
  });

  it('are taken over by whoever starts them again', async () => {
    const before = await pidsInside();
    await outOf();
    await into();
    expect(await send('/again', Buffer.from('x'))).toContain('/again');
    const after = await pidsInside();
    expect(after.filter((pid) => before.includes(pid))).toEqual([]);
  });

  it('end when they are told to', async () => {
    const running = [await outOf(), await into()];
    for (const one of running) await one.stop();
    expect(await pidsInside()).toEqual([]);
    await expect(send('/', Buffer.from('x'))).rejects.toThrow();
    await outOf();
    await into();
  });

  it('say why they cannot be', async () => {
    await expect(
      forwardOutOf({
        ...{ namespace: NAMESPACE, socket: join(folder, 'api.sock'), pidFile: join(folder, 'other.pid') },
        listen: { host: '10.1.2.3', port: 80 },
      }),
    ).rejects.toThrow(/Unable to forward .*10\.1\.2\.3/s);
  });
});
