import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { freePort } from '@psa/test-kit/free-port';

const REPO = join(import.meta.dirname, '../../..');
/** The first administrator. */
export const ADMIN = { email: 'ada@muster.example', password: 'four quiet herons' };

/** The platform as `npm start` runs it, behind an edge that speaks TLS. */
export interface Platform {
  readonly url: string;
  /** Connections that the edge took so far. */
  connections(): number;
  /** Hangs up on everybody, and on everybody who calls, until it is mended. */
  cut(): void;
  mend(): void;
  /** Of every ticket. */
  titles(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

export async function startPlatform(): Promise<Platform> {
  const folder = await mkdtemp(join(tmpdir(), 'psa-load-'));
  const port = await freePort();
  const many = '100000000';
  const child = spawn(process.execPath, [join(REPO, 'embedded/src/main.ts')], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...{ PATH: process.env.PATH, HOME: folder, PORT: String(port), PSA_DATA_DIR: join(folder, 'data') },
      ...{ PSA_DEMO: '0', RATE_ANONYMOUS_PER_MINUTE: many, RATE_STANDARD_PER_HOUR: many },
      RATE_PROFESSIONAL_PER_HOUR: many,
    },
  });
  let text = '';
  const token = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      text += chunk;
      const found = text.includes('ready on') && /\/setup\?token=(\S+)\s/.exec(text);
      if (found) resolve(decodeURIComponent(found[1]!));
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (code) => reject(new Error(`The platform ended with ${code}:\n${text}`)));
  });
  // biome-ignore lint/suspicious/noExplicitAny: answers of several shapes, few fields of each.
  const api = async (path: string, init: RequestInit = {}): Promise<any> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1${path}`, init);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  const post = (body: object) => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  await api('/auth/setup', post({ token, tenant_name: 'Muster IT', name: 'Ada', ...ADMIN }));
  const edge = await startEdge(folder, port);
  return {
    ...edge,
    async titles() {
      const { access_token } = (await api('/auth/login', post(ADMIN))).data;
      const titles: string[] = [];
      for (let page = 1; ; page++) {
        const headers = { authorization: `Bearer ${access_token}` };
        const { data } = await api(`/tickets?limit=100&page=${page}`, { headers });
        titles.push(...data.map((ticket: { title: string }) => ticket.title));
        if (data.length < 100) return titles;
      }
    },
    async stop() {
      edge.stop();
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

async function startEdge(folder: string, port: number) {
  const [key, cert] = [join(folder, 'edge.key'), join(folder, 'edge.pem')];
  const subject = ['-subj', '/CN=psa.lab.example', '-days', '2'];
  const files = ['-keyout', key, '-out', cert];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', ...subject, ...files],
    { stdio: 'ignore' },
  );
  const open = new Set<Socket>();
  let connections = 0;
  let isCut = false;
  const server = createServer({ key: await readFile(key), cert: await readFile(cert) }, (outer) => {
    const inner = connect(port, '127.0.0.1');
    outer.pipe(inner).pipe(outer);
    for (const one of [outer, inner]) {
      open.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        open.delete(one);
        outer.destroy();
        inner.destroy();
      });
    }
  });
  server.on('connection', (socket: Socket) => {
    connections++;
    if (isCut) socket.destroy();
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const hangUp = () => {
    for (const one of open) one.destroy();
  };
  return {
    url: `https://psa.lab.example:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    cut: () => {
      isCut = true;
      hangUp();
    },
    mend: () => {
      isCut = false;
    },
    stop: () => {
      hangUp();
      server.close();
    },
  };
}
