import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { BreakingRequest } from './requests.ts';

/** How long answers took, milliseconds. */
export interface Times {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Answers that took longer than `LATE_MS` or were none. */
  readonly late: number;
  /** Answers that were none, or not 200. */
  readonly failed: number;
}
export const LATE_MS = 250;

export interface Figures {
  readonly seconds: number;
  /** Requests made, by kind and status; 0: the connection was cut. */
  readonly statuses: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Texts of the first answers of 500 and more to what tried to break it. */
  readonly failures: readonly string[];
  /** `/health` before, with nothing else asked, and meanwhile. */
  readonly idle: Times;
  readonly health: Times;
  /** What a server that does nothing else took meanwhile: how busy the machine was. */
  readonly bare: Times;
  /** What somebody who reads and writes tickets meanwhile got. */
  readonly others: Readonly<Record<string, number>>;
}

export interface BreakingOptions {
  readonly url: string;
  readonly requests: readonly BreakingRequest[];
  /** Milliseconds; and of the control before. */
  readonly durationMs: number;
  readonly idleMs: number;
  /** Requests at a time. */
  readonly side: number;
  /** Of whoever tries to break it, and of somebody else. */
  readonly token: string;
  readonly otherToken: string;
}

/** Sends one request after the other, several at a time, and watches what `/health` and others get meanwhile. */
export async function runBreaking(options: BreakingOptions): Promise<Figures> {
  const { url, requests, token } = options;
  const idle = await watch(url, () => sleep(options.idleMs));
  const statuses: Record<string, Record<string, number>> = {};
  const failures: string[] = [];
  const end = Date.now() + options.durationMs;
  let next = 0;
  const attack = async () => {
    while (Date.now() < end) {
      const request = requests[next++ % requests.length]!;
      const { status, text } = await send(url, request, token);
      if ((status >= 500 || status === 0) && failures.length < 20) {
        failures.push(
          `${request.name}, ${request.method} ${request.path.slice(0, 100)}: ${status} ${text.slice(0, 300)}`,
        );
      }
      const kind = (statuses[request.name] ??= {});
      kind[status] = (kind[status] ?? 0) + 1;
    }
  };
  const others: Record<string, number> = {};
  const work = async () => {
    for (let i = 0; Date.now() < end; i++) {
      const status = await asOther(url, options.otherToken, i);
      others[status] = (others[status] ?? 0) + 1;
      await sleep(100);
    }
  };
  const bareServer = new Worker(new URL('./bare.ts', import.meta.url));
  const [port] = await once(bareServer, 'message');
  let health: Times | undefined;
  const bare = await watch(`http://127.0.0.1:${port}`, async () => {
    health = await watch(url, () => Promise.all([...Array.from({ length: options.side }, attack), work()]));
  });
  await bareServer.terminate();
  return { seconds: options.durationMs / 1000, statuses, failures, idle, health: health!, bare, others };
}

async function send(
  url: string,
  request: BreakingRequest,
  token: string,
): Promise<{ status: number; text: string }> {
  const { method, path, body, chunked } = request;
  try {
    const answer = await fetch(url + path, {
      method,
      headers: { ...request.headers, ...(request.signedIn ? { authorization: `Bearer ${token}` } : {}) },
      ...(body === undefined
        ? {}
        : { body: chunked ? new Blob([new Uint8Array(body)]).stream() : new Uint8Array(body) }),
      ...(chunked ? { duplex: 'half' } : {}),
      signal: AbortSignal.timeout(60_000),
    } as RequestInit);
    return { status: answer.status, text: await answer.text() };
  } catch (error) {
    return { status: 0, text: String((error as Error).cause ?? error) };
  }
}

/** Reads a page of tickets; every tenth time writes one. */
async function asOther(url: string, token: string, turn: number): Promise<number> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const isWrite = turn % 10 === 9;
  try {
    const answer = await fetch(`${url}/api/v1/tickets${isWrite ? '' : '?limit=20'}`, {
      method: isWrite ? 'POST' : 'GET',
      headers,
      ...(isWrite
        ? { body: JSON.stringify({ title: `Ruhig weiter ${turn}`, description: 'Nebenher.' }) }
        : {}),
      signal: AbortSignal.timeout(60_000),
    });
    await answer.arrayBuffer();
    return answer.status;
  } catch {
    return 0;
  }
}

/** Asks `/health` while `work` is going on. */
async function watch(url: string, work: () => Promise<unknown>): Promise<Times> {
  const taken: number[] = [];
  let late = 0;
  let failed = 0;
  const probe = new Worker(new URL('./probe.ts', import.meta.url), { workerData: { url: `${url}/health` } });
  probe.on('message', ({ ms, status }: { ms: number; status: number }) => {
    taken.push(ms);
    if (status !== 200 || ms > LATE_MS) late++;
    if (status !== 200) failed++;
  });
  await work();
  await probe.terminate();
  taken.sort((a, b) => a - b);
  const at = (share: number) => Math.round((taken[Math.floor((taken.length - 1) * share)] ?? 0) * 10) / 10;
  return { count: taken.length, p50: at(0.5), p99: at(0.99), max: at(1), late, failed };
}
