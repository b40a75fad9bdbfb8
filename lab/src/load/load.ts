import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CheckOptions, LoadOptions } from './options.ts';
import { type CurvePoint, type Kind, type KindReport, Recorder } from './recorder.ts';
import { type Answer, Requester } from './requester.ts';
import { Session } from './session.ts';

/** What a load met. Times are ms from its start. */
export interface LoadReport {
  readonly version: 1;
  /** Stands in the titles of its tickets. */
  readonly run: string;
  readonly startedAt: string;
  readonly ms: number;
  readonly reads: KindReport;
  readonly writes: KindReport;
  readonly curve: readonly CurvePoint[];
  /** Ids of the tickets whose creation was acknowledged: they must be there, whatever happened. */
  readonly acknowledged: readonly string[];
  /** Titles of those whose fate is open: asked for, never answered. */
  readonly open: readonly string[];
  /** The first failures, with their time and the beginning of the answer. */
  readonly firstFailures: readonly { ms: number; kind: Kind; why: string; text: string }[];
}

/** How a load fares while it runs. */
export interface LoadTick {
  readonly ms: number;
  readonly reads: { readonly ok: number; readonly failed: number };
  readonly writes: { readonly ok: number; readonly failed: number };
}

const FAILURES_KEPT = 100;
/** A copy of the database may be behind; nobody looks for a ticket before this. */
const SETTLED_MS = 3_000;

/** Runs a load until its time is over, its requests are used up, or it is told to stop. */
export async function runLoad(
  options: LoadOptions,
  { signal, tick }: { signal: AbortSignal; tick: (tick: LoadTick) => void },
): Promise<LoadReport> {
  const session = new Session(options, options, options.writeTimeoutMs);
  await session.start();
  const customerId = await session.customer();
  const load = new Load(options, session, customerId);
  const ticking = setInterval(() => tick(load.tick()), 250);
  const end = setTimeout(() => load.stop(), options.seconds * 1_000);
  signal.addEventListener('abort', () => load.stop(), { once: true });
  if (signal.aborted) load.stop();
  try {
    return await load.run();
  } finally {
    clearInterval(ticking);
    clearTimeout(end);
  }
}

/** The tickets that are not there. @throws when that cannot be told */
export async function missingTickets(options: CheckOptions): Promise<readonly string[]> {
  const session = new Session(options, options, options.writeTimeoutMs);
  await session.start();
  const missing: string[] = [];
  const queue = options.ids.values();
  const worker = async () => {
    const client = new Requester(options, true);
    for (const id of queue) {
      const { status, text } = await client.send({
        ...{ method: 'GET', path: `/api/v1/tickets/${id}`, headers: session.headers, body: null },
        timeoutMs: options.writeTimeoutMs,
      });
      if (status === 404) missing.push(id);
      else if (status !== 200)
        throw new Error(`Unable to look for ticket ${id}: ${status} ${text.slice(0, 300)}`);
    }
    client.close();
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return missing;
}

class Load {
  readonly #options: LoadOptions;
  readonly #session: Session;
  readonly #customerId: string;
  readonly #recorder = new Recorder();
  readonly #run = randomUUID().slice(0, 8);
  readonly #startedAt = new Date();
  readonly #start = performance.now();
  readonly #acknowledged: { id: string; atMs: number }[] = [];
  readonly #open: string[] = [];
  readonly #failures: { ms: number; kind: Kind; why: string; text: string }[] = [];
  readonly #stopping = new AbortController();
  #settled = 0;
  #titles = 0;

  constructor(options: LoadOptions, session: Session, customerId: string) {
    this.#options = options;
    this.#session = session;
    this.#customerId = customerId;
  }

  stop(): void {
    this.#recorder.stop(this.#now());
    this.#stopping.abort();
  }

  tick(): LoadTick {
    const { read, write } = { read: this.#recorder.counts('read'), write: this.#recorder.counts('write') };
    return { ms: Math.round(this.#now()), reads: read, writes: write };
  }

  /** @returns when every client has ended */
  async run(): Promise<LoadReport> {
    const { readers, writers } = this.#options;
    await Promise.all([
      ...Array.from({ length: readers }, (_, at) => this.#client('read', at, readers)),
      ...Array.from({ length: writers }, (_, at) => this.#client('write', at, writers)),
    ]);
    const ms = Math.round(this.#now());
    return {
      ...{ version: 1, run: this.#run, startedAt: this.#startedAt.toISOString(), ms },
      reads: this.#recorder.report('read', ms),
      writes: this.#recorder.report('write', ms),
      curve: this.#recorder.curve(),
      acknowledged: this.#acknowledged.map((one) => one.id),
      open: this.#open,
      firstFailures: this.#failures,
    };
  }

  /** One client, from the first request to the last. */
  async #client(kind: Kind, at: number, of: number): Promise<void> {
    const { fresh, pauseMs, requests } = this.#options;
    const client = new Requester(this.#options, at * 100 >= fresh * of);
    const { signal } = this.#stopping;
    // They do not all come in the same instant.
    await sleep((pauseMs * at) / of, undefined, { signal }).catch(() => {});
    while (!signal.aborted && this.#recorder.requests < requests) {
      await (kind === 'read' ? this.#read(client) : this.#write(client));
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
    }
    client.close();
  }

  async #read(client: Requester): Promise<void> {
    const id = this.#known();
    const path = id && Math.random() < 0.5 ? `/api/v1/tickets/${id}` : '/api/v1/tickets?limit=20';
    const { readTimeoutMs } = this.#options;
    await this.#request('read', () =>
      client.send({
        method: 'GET',
        path,
        headers: this.#session.headers,
        body: null,
        timeoutMs: readTimeoutMs,
      }),
    );
  }

  async #write(client: Requester): Promise<void> {
    const title = `Load ${this.#run} ${++this.#titles}`;
    const key = randomUUID();
    const body = { title, description: 'Opened by a load test.', customer_id: this.#customerId };
    const answer = await this.#request('write', () =>
      client.send({
        method: 'POST',
        path: '/api/v1/tickets',
        headers: { ...this.#session.headers, 'idempotency-key': key },
        body,
        timeoutMs: this.#options.writeTimeoutMs,
      }),
    );
    if (!answer) {
      this.#open.push(title);
      return;
    }
    const { data } = JSON.parse(answer.text) as { data: { id: string } };
    this.#acknowledged.push({ id: data.id, atMs: this.#now() });
  }

  /** Sends, and again when the client is one that tries again. @returns the good answer; null without one */
  async #request(kind: Kind, send: () => Promise<Answer>): Promise<Answer | null> {
    const begin = this.#now();
    for (;;) {
      const answer = await send().catch((error: Error) => error);
      const now = this.#now();
      if (!(answer instanceof Error) && answer.status < 300) {
        this.#recorder.success(kind, now, now - begin);
        return answer;
      }
      const status = answer instanceof Error ? null : answer.status;
      if (status === 401) this.#session.renew();
      // What was refused for the client's own fault will be refused again.
      const hopeless = status !== null && status < 500 && status !== 401 && status !== 429 && status !== 409;
      if (!hopeless && now - begin < this.#options.retryMs && !this.#stopping.signal.aborted) {
        await sleep(100);
        continue;
      }
      const why = answer instanceof Error ? answer.message : String(answer.status);
      this.#recorder.failure(kind, now, now - begin, why);
      if (this.#failures.length < FAILURES_KEPT)
        this.#failures.push({
          ...{ ms: Math.round(now), kind, why },
          text: answer instanceof Error ? '' : answer.text.slice(0, 300),
        });
      return null;
    }
  }

  /** A ticket of this load that every copy of the database has by now. */
  #known(): string | null {
    const before = this.#now() - SETTLED_MS;
    while (this.#settled < this.#acknowledged.length && this.#acknowledged[this.#settled]!.atMs < before)
      this.#settled++;
    return this.#acknowledged[Math.floor(Math.random() * this.#settled)]?.id ?? null;
  }

  #now(): number {
    return performance.now() - this.#start;
  }
}
