import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseUpid, printUpid } from '@psa/proxmox/upid';
import { inGroup, LEAD } from '../process-group.ts';
import { statusOf, TaskStore } from './task-store.ts';

/** What runs in a task writes its log here. */
export interface TaskHandle {
  readonly upid: string;
  /** Aborted when someone stops the task, or its node loses power. */
  readonly signal: AbortSignal;
  /** Aborted once the task has ended: what still works then works for nobody, and undoes nothing. */
  readonly gone: AbortSignal;
  log(line: string): void;
  /** A line that counts: the task ends with `WARNINGS: n`. */
  warn(line: string): void;
}

/** What a task is about. */
export interface TaskSpec {
  readonly node: string;
  readonly type: string;
  /** The guest or volume; empty: none. */
  readonly id: string;
  /** `root@pam` or `psactl@pve!psactl` */
  readonly user: string;
  /**
   * What becomes of a task that is stopped. Unless told otherwise it fails with `received interrupt` at once. `itself`:
   * it is told, ends in its own words, and is killed when it has not in time. `killed`: it waits for something that
   * does not hear, and is killed.
   */
  readonly ends?: 'itself' | 'killed';
  /**
   * It has a process of its own on the machine, whose id stands in its UPID: `kill -9` of it ends the task as it ends one of
   * Proxmox VE. The programs that it had started go on, for nobody; they are of its process group, see {@link inGroup}.
   */
  readonly isProcess?: boolean;
}

/** A task as `/nodes/{node}/tasks` lists it. */
export interface TaskRecord {
  readonly upid: string;
  readonly node: string;
  readonly pid: number;
  readonly pstart: number;
  readonly starttime: number;
  readonly type: string;
  readonly id: string;
  readonly user: string;
  readonly tokenid?: string;
  /** Absent while it runs. */
  readonly endtime?: number;
  readonly status?: string;
}

interface Running {
  readonly spec: TaskSpec;
  readonly controller: AbortController;
  readonly end: AbortController;
  readonly done: Promise<void>;
}

/** How long a task that was told to end has until it is killed. */
const GRACE_MS = 5_000;
/** A machine under load needs this much to hear it. */
const SHORTEST_MS = 1_000;

/** Runs long work in tasks with logs, as Proxmox VE's workers do. */
export class TaskManager {
  readonly #store: TaskStore;
  readonly #running = new Map<string, Running>();
  readonly #ended = new Map<string, TaskRecord>();
  #pid = 1000 + Math.floor(Math.random() * 20_000);

  readonly #timeFactor: number;

  constructor(folder: string, timeFactor = 1) {
    this.#timeFactor = timeFactor;
    this.#store = new TaskStore(folder);
  }

  /**
   * Starts a task. What `work` throws is its exit status.
   * @returns its UPID
   */
  start(spec: TaskSpec, work: (task: TaskHandle) => Promise<void> | void): string {
    const end = new AbortController();
    const worker = spec.isProcess ? startWorker(() => this.#running.has(upid) && end.abort()) : null;
    const upid = this.#newUpid(spec, worker?.pid);
    this.#store.create(spec.node, upid);
    const controller = new AbortController();
    let warnings = 0;
    const isOver = () => end.signal.aborted;
    const task: TaskHandle = {
      ...{ upid, signal: controller.signal, gone: end.signal },
      // What goes on after the end (a process that is still ending) is no longer the task's.
      log: (line) => {
        if (!isOver()) this.#store.append(spec.node, upid, line);
      },
      warn: (line) => {
        warnings++;
        if (!isOver()) this.#store.append(spec.node, upid, `WARN: ${line}`);
      },
    };
    const run = async () => {
      await null;
      try {
        await inGroup(worker?.pid, () => work(task));
        task.log(warnings === 0 ? 'TASK OK' : `TASK WARNINGS: ${warnings}`);
      } catch (error) {
        task.log(`TASK ERROR: ${oneLine(error)}`);
      }
    };
    const ended = new Promise<void>((resolve) => {
      end.signal.addEventListener('abort', () => {
        this.#store.touch(spec.node, upid);
        resolve();
      });
    });
    const done = Promise.race([run(), ended]).then(() => {
      this.#running.delete(upid);
      worker?.kill('SIGKILL');
    });
    this.#running.set(upid, { spec, controller, end, done });
    return upid;
  }

  /** Runs work in a task and waits for its end. @throws what the task failed with */
  async run(spec: TaskSpec, work: (task: TaskHandle) => Promise<void> | void): Promise<void> {
    const upid = this.start(spec, work);
    const status = await this.wait(upid);
    if (status !== 'OK' && !status.startsWith('WARNINGS')) throw new Error(status);
  }

  /** Waits for a task's end. @returns its exit status */
  async wait(upid: string): Promise<string> {
    await this.#running.get(upid)?.done;
    const node = parseUpid(upid)?.node ?? '';
    return statusOf(this.#store.lines(node, upid) ?? []);
  }

  isRunning(upid: string): boolean {
    return this.#running.has(upid);
  }

  /** Ends a task; nothing happens to one that has ended. */
  async abort(upid: string): Promise<void> {
    const running = this.#running.get(upid);
    if (!running) return;
    const { spec, controller, end, done } = running;
    controller.abort();
    if (spec.ends === 'itself') {
      const timer = setTimeout(() => end.abort(), Math.max(SHORTEST_MS, GRACE_MS * this.#timeFactor));
      await done;
      clearTimeout(timer);
      return;
    }
    if (spec.ends === undefined) this.#store.append(spec.node, upid, 'TASK ERROR: received interrupt');
    end.abort();
    await done;
  }

  /** The node lost power: all its tasks are gone. */
  async abortNode(node: string): Promise<void> {
    const all = [...this.#running].filter(([, running]) => running.spec.node === node);
    for (const [, { controller, end }] of all) {
      controller.abort();
      end.abort();
    }
    await Promise.all(all.map(([, { done }]) => done));
  }

  /** Log lines; null: no such task. */
  lines(upid: string): readonly string[] | null {
    const node = parseUpid(upid)?.node;
    return node === undefined ? null : this.#store.lines(node, upid);
  }

  /** A task's record; null: no such task. */
  record(upid: string): TaskRecord | null {
    const known = this.#ended.get(upid);
    if (known) return known;
    const parsed = parseUpid(upid);
    const lines = parsed && this.#store.lines(parsed.node, upid);
    if (!parsed || !lines) return null;
    const [user = '', tokenid] = parsed.user.split('!');
    const record: TaskRecord = {
      ...{ upid, node: parsed.node, pid: parsed.pid, pstart: parsed.pstart, starttime: parsed.startTime },
      ...{ type: parsed.type, id: parsed.id, user },
      ...(tokenid === undefined ? {} : { tokenid }),
    };
    if (this.#running.has(upid)) return record;
    const ended = {
      ...record,
      endtime: this.#store.changedAt(parsed.node, upid),
      status: statusOf(lines),
    };
    this.#ended.set(upid, ended);
    return ended;
  }

  /** Tasks of a node, the newest first. */
  list(node: string): readonly TaskRecord[] {
    return this.#store
      .list(node)
      .flatMap((upid) => this.record(upid) ?? [])
      .sort((a, b) => b.starttime - a.starttime || b.pstart - a.pstart || b.pid - a.pid);
  }

  /** Ends when no task runs any more. */
  async idle(): Promise<void> {
    await Promise.all([...this.#running.values()].map((running) => running.done));
  }

  #newUpid(spec: TaskSpec, pid: number | undefined): string {
    if (pid === undefined) this.#pid = this.#pid >= 60_000 ? 1000 : this.#pid + 1;
    return printUpid({
      node: spec.node,
      pid: pid ?? this.#pid,
      pstart: Math.floor(secondsUp() * 100),
      startTime: Math.floor(Date.now() / 1000),
      type: spec.type,
      // These would end the field, or the path in which it stands.
      id: spec.id.replaceAll(/[:\s/]/g, (found) => `\\x${found.charCodeAt(0).toString(16)}`),
      user: spec.user,
    });
  }
}

/** The process of a task: it does nothing, and ends with the daemon. @param ended told when it has, whoever ended it */
function startWorker(ended: () => unknown): ChildProcess {
  const [program, ...args] = LEAD;
  const worker = spawn(program, args, { stdio: ['pipe', 'ignore', 'ignore'] });
  worker.once('exit', ended).once('error', ended);
  worker.stdin!.on('error', () => undefined);
  return worker;
}

/** What a task's last line says of an error: one line, as `die` leaves it. */
function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().replaceAll(/\s*\n\s*/g, ' ') || 'unknown error';
}

function secondsUp(): number {
  return Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
}
