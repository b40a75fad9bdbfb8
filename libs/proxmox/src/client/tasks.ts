import type { Params } from '../schema/api-schema.ts';
import { isOnlyRequested, parseUpid } from '../upid.ts';
import { backoff } from './clock.ts';
import { apiPath } from './encode.ts';
import type { ProxmoxEngine, RequestOptions } from './engine.ts';
import { type ErrorFacts, type FailedTask, ProxmoxError } from './errors.ts';
import { leftBehind, lockOfTask } from './locks.ts';

/** How a task ended well. */
export interface TaskResult {
  readonly upid: string;
  /** `OK` or `WARNINGS: n`. */
  readonly exitStatus: string;
  /** How many warnings Proxmox counted. */
  readonly warnings: number;
  /** Lines of the log that warn. */
  readonly warningLines: readonly string[];
  /** A task of the HA manager: the wish is written down; wait for the HA state to see it come true. */
  readonly onlyRequested: boolean;
}

/** How to wait for a task. */
export interface TaskOptions extends RequestOptions {
  /** How long the task may take (30 min). It goes on when nobody waits any more. */
  readonly taskTimeoutMs?: number;
  /** How long a task that is not (yet) known counts as coming (10 s): right after an upload that happens. */
  readonly missingGraceMs?: number;
  /** How long the node may be out of reach meanwhile (2 min). */
  readonly unreachableMs?: number;
  /** Told of the task as soon as it runs; again when it is started again because it met a lock. */
  readonly onTask?: (upid: string) => void;
  /** Told every new line of the log. */
  readonly onLog?: (line: string) => void;
}

interface Status {
  readonly status?: string;
  readonly exitstatus?: string;
}

/** How many of the log's last lines an error carries. */
const LAST_LINES = 20;
/** More than Proxmox gives by itself (50); warnings may stand anywhere. */
const LOG_LIMIT = 5_000;

/** Waits for a task to end. Warnings are a success and kept; anything but OK is an error with the end of the log. */
export async function waitTask(
  engine: ProxmoxEngine,
  upid: string,
  options: TaskOptions = {},
): Promise<TaskResult> {
  const parsed = parseUpid(upid);
  if (!parsed) throw new TypeError(`"${upid}" is no UPID`);
  const path = apiPath`/nodes/${parsed.node}/tasks/${upid}`;
  const log = new LogReader(engine, `${path}/log`, options);
  const status = await ended(engine, path, log, options);
  const exitStatus = status.exitstatus ?? 'unexpected status';
  const warned = /^WARNINGS: (\d+)$/.exec(exitStatus)?.[1];
  if (exitStatus !== 'OK' && warned === undefined) {
    const task = { upid, exitStatus, log: (await log.all()).slice(-LAST_LINES) };
    throw engine.error({ ...whyFailed(task, {}), method: 'GET', path: `${path}/status`, task });
  }
  const lines = warned !== undefined || options.onLog ? await log.all() : [];
  return {
    upid,
    exitStatus,
    warnings: Number(warned ?? 0),
    warningLines: lines.filter((line) => /^(?:W|WARN|WARNING|TASK WARNINGS)\b/.test(line)),
    onlyRequested: isOnlyRequested(parsed),
  };
}

/**
 * Sends a write and waits for its task. A lock that either of them meets is waited for, by sending it again. Null: the
 * route answers without a task (`…/template`, a foreign vzdump).
 */
export async function runTask(
  engine: ProxmoxEngine,
  method: string,
  path: string,
  params: Params = {},
  options: TaskOptions = {},
): Promise<TaskResult | null> {
  const send = async () => (await engine.request(method, path, params, { ...options, lockWaitMs: 0 })).data;
  return engine.waitForLock(() => taskOf(engine, { method, path, params }, send, options), options);
}

/** What started a task. */
interface Asked {
  readonly method: string;
  readonly path: string;
  readonly params: Params;
}

/** Sends something once and waits for the task that it answers with. */
export async function taskOf(
  engine: ProxmoxEngine,
  { method, path, params }: Asked,
  send: () => Promise<unknown>,
  options: TaskOptions,
): Promise<TaskResult | null> {
  const upid = await send();
  if (typeof upid !== 'string' || !parseUpid(upid)) return null;
  options.onTask?.(upid);
  try {
    return await waitTask(engine, upid, options);
  } catch (error) {
    if (!(error instanceof ProxmoxError) || !error.task) throw error;
    // What failed is what was asked for, not the question about the task.
    throw engine.error({ ...whyFailed(error.task, params), method, path, task: error.task }, params);
  }
}

/** `locked` only where the same request may be sent again. */
function whyFailed(task: FailedTask, params: Params): Pick<ErrorFacts, 'kind' | 'lock' | 'hint'> {
  const lock = lockOfTask(task);
  if (!lock) return { kind: 'task' };
  const left = leftBehind(lock, { ...task, type: parseUpid(task.upid)!.type, params });
  const kind = lock.passes && left === null ? 'locked' : 'task';
  return { kind, lock, hint: left === null ? lock.hint : left };
}

async function ended(
  engine: ProxmoxEngine,
  path: string,
  log: LogReader,
  options: TaskOptions,
): Promise<Status> {
  const { clock } = engine;
  const { taskTimeoutMs = 30 * 60_000, missingGraceMs = 10_000, unreachableMs = 120_000 } = options;
  const start = clock.now();
  let answered = start;
  for (;;) {
    try {
      const status = (await engine.request('GET', `${path}/status`, {}, { ...options, lockWaitMs: 0 }))
        .data as Status;
      answered = clock.now();
      if (status.status !== 'running') return status;
      if (options.onLog) await log.more();
    } catch (error) {
      if (!(error instanceof ProxmoxError)) throw error;
      const coming = /no such task/.test(error.text) && clock.now() - start < missingGraceMs;
      // A lock that the question meets is not the one of what was started, which must not be sent again for it.
      const away =
        ['network', 'timeout', 'unreachable', 'locked'].includes(error.kind) &&
        clock.now() - answered < unreachableMs;
      if (!coming && !away && error.kind === 'locked') throw lost(error);
      if (!coming && !away) throw error;
    }
    // A share of the time that it took so far: a short task is not waited for longer than it takes.
    const pause = backoff(1, clock, Math.min(2_000, Math.max(150, (clock.now() - start) / 10)));
    if (clock.now() - start + pause > taskTimeoutMs)
      throw engine.error({
        kind: 'timeout',
        method: 'GET',
        path: `${path}/status`,
        reason: `the task still runs after ${Math.round(taskTimeoutMs / 1000)} s`,
        outcomeUnknown: true,
        hint: 'It goes on by itself; its log stands in the task list of the node.',
      });
    await clock.sleep(pause, options.signal);
  }
}

/** How a task ended could not be asked: it is not as if it had not been started. */
const lost = (error: ProxmoxError): ProxmoxError =>
  new ProxmoxError({ ...error, kind: 'timeout', outcomeUnknown: true, cause: error.cause });

/** Reads a task's log piece by piece. */
class LogReader {
  readonly #engine: ProxmoxEngine;
  readonly #path: string;
  readonly #options: TaskOptions;
  readonly #lines: string[] = [];

  constructor(engine: ProxmoxEngine, path: string, options: TaskOptions) {
    this.#engine = engine;
    this.#path = path;
    this.#options = options;
  }

  /** Reads what is new. A log that cannot be read is no reason to fail: the task is what counts. */
  async more(): Promise<boolean> {
    const query = { start: this.#lines.length, limit: LOG_LIMIT };
    let found: { n: number; t: string }[];
    try {
      const { data } = await this.#engine.request('GET', this.#path, query, {
        ...this.#options,
        lockWaitMs: 0,
      });
      found = (data as { n: number; t: string }[]).filter((line) => line.t !== 'no content');
    } catch (error) {
      if (error instanceof ProxmoxError) return false;
      throw error;
    }
    for (const { t } of found) {
      const line = this.#engine.mask.hide(t);
      this.#lines.push(line);
      this.#options.onLog?.(line);
    }
    return found.length === LOG_LIMIT;
  }

  async all(): Promise<readonly string[]> {
    while (await this.more());
    return this.#lines;
  }
}
