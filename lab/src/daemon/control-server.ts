import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { LabStatus } from '../control.ts';

/** What the daemon does for `psactl lab`. */
export interface ControlHandlers {
  status(): Promise<LabStatus>;
  killNode(node: string): Promise<void>;
  startNode(node: string): Promise<void>;
  loseDisks(node: string): Promise<void>;
  partition(node: string): Promise<void>;
  heal(node: string | null): Promise<void>;
  fillDisk(node: string, storage: string, share: number): Promise<void>;
  stop(): Promise<void>;
}

type Body = Readonly<Record<string, unknown>>;

/** Answers on the lab's control socket. */
export async function serveControl(socket: string, handlers: ControlHandlers): Promise<Server> {
  const actions: Record<string, (body: Body) => Promise<void>> = {
    'POST /kill-node': (body) => handlers.killNode(text(body, 'node')),
    'POST /start-node': (body) => handlers.startNode(text(body, 'node')),
    'POST /lose-disks': (body) => handlers.loseDisks(text(body, 'node')),
    'POST /partition': (body) => handlers.partition(text(body, 'node')),
    'POST /heal': (body) => handlers.heal(body.node === undefined ? null : text(body, 'node')),
    'POST /fill-disk': (body) => {
      const share = Number(body.share);
      if (!(share >= 0 && share <= 1)) throw new Error('A share lies between 0 and 1.');
      return handlers.fillDisk(text(body, 'node'), text(body, 'storage'), share);
    },
    'GET /status': async () => undefined,
    'POST /stop': async () => {
      // It answers before it ends.
      setImmediate(() => void handlers.stop());
    },
  };
  const server = createServer((request, response) => {
    const answer = async (): Promise<[number, unknown]> => {
      try {
        const action = actions[`${request.method} ${request.url}`];
        if (!action) return [404, { error: `The lab knows no ${request.method} ${request.url}.` }];
        await action(await readJson(request));
        return [200, await handlers.status()];
      } catch (error) {
        return [400, { error: (error as Error).message }];
      }
    };
    void answer().then(([status, value]) => {
      response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
      response.end(JSON.stringify(value));
    });
  });
  rmSync(socket, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, resolve);
  });
  chmodSync(socket, 0o600);
  return server;
}

async function readJson(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? {} : (JSON.parse(text) as Body);
}

function text(body: Body, key: string): string {
  const value = body[key];
  if (typeof value !== 'string') throw new Error(`"${key}" is missing.`);
  return value;
}
