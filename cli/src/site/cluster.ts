import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Container } from '@psa/appliance/inventory/expand';
import type { ObservedConfig } from '@psa/appliance/plan/observed';
import type { Step } from '@psa/appliance/plan/step';
import { apiPath } from '@psa/proxmox/client/encode';
import { ProxmoxError } from '@psa/proxmox/client/errors';
import type { TaskResult } from '@psa/proxmox/client/tasks';
import type { ExecOptions, ExecResult } from '@psa/proxmox/ssh';
import { CliError } from '../errors.ts';
import { type RawConfig, readConfig } from './pve-config.ts';
import type { OpenSite } from './site.ts';

/** A guest as it is now. */
export interface Found {
  readonly node: string;
  readonly status: string;
}

/** A container of the inventory as the cluster has it. */
export interface Placed {
  readonly container: Container;
  /** Where it is now: the HA manager may have moved it. Null: the cluster does not know it. */
  readonly node: string | null;
  readonly state: 'running' | 'stopped' | 'unknown' | 'missing';
}

/**
 * A guest of `/cluster/resources`. What its node last said of it stands there for a while after the node has died:
 * `status` is what `/cluster/status` lists.
 */
export function foundOf(
  raw: Readonly<Record<string, unknown>>,
  status: readonly Readonly<Record<string, unknown>>[],
): Found {
  const node = String(raw.node);
  const isAway = status.some(({ type, name, online }) => type === 'node' && name === node && !Number(online));
  return { node, status: isAway ? 'unknown' : String(raw.status) };
}

type Raw = Readonly<Record<string, unknown>>;
type Params = Readonly<Record<string, string | number | boolean>>;

/** Told which task a step has started. */
export type OnTask = (step: Step, upid: string) => void;

/** How old the list of places may be where only the way into a container is asked. */
const PLACE_MS = 3_000;

/** The cluster of a site and what is in its containers: looks, changes and commands, each with where things are now. */
export class Cluster {
  readonly site: OpenSite;
  readonly signal: AbortSignal;
  readonly #onTask: OnTask;
  #recent: { readonly at: number; readonly list: Promise<ReadonlyMap<number, Found>> } | null = null;

  constructor(site: OpenSite, signal: AbortSignal, onTask: OnTask = () => {}) {
    this.site = site;
    this.signal = signal;
    this.#onTask = onTask;
  }

  // ── The cluster ────────────────────────────────────────────────────────────

  get<T>(path: string, params: Params = {}): Promise<T> {
    return this.site.client.request<T>('GET', path, params, { signal: this.signal });
  }

  write<T>(method: string, path: string, params: Params = {}): Promise<T> {
    return this.site.client.request<T>(method, path, params, { signal: this.signal });
  }

  /** Starts a task, tells which one, and waits for its end, and for the locks that it meets. */
  async task(step: Step, method: string, path: string, params: Params = {}): Promise<TaskResult | null> {
    return this.site.client.run(method, path, params, {
      signal: this.signal,
      onTask: (upid) => this.#onTask(step, upid),
    });
  }

  /** Waits for tasks that somebody, a killed psactl perhaps, has running on a guest. */
  async settle(node: string, id: number): Promise<void> {
    const path = apiPath`/nodes/${node}/tasks`;
    const active = await this.get<readonly { upid: string }[]>(path, { vmid: id, source: 'active' });
    // How they end is not ours to judge: what is there afterwards counts.
    await Promise.all(
      active.map(({ upid }) =>
        this.site.client.waitTask(upid, { signal: this.signal }).catch(this.#unlessAborted),
      ),
    );
  }

  // ── Guests ─────────────────────────────────────────────────────────────────

  /**
   * The guests of `/cluster/resources`, with what their nodes say of them. A node whose pvestatd hangs, or that was just
   * switched on, tells the cluster nothing: its guests are "unknown" and without a name while they run. It is asked itself.
   */
  async heard(all: readonly Raw[], status: readonly Raw[]): Promise<readonly Raw[]> {
    const isOnline = (node: unknown) =>
      status.some(({ name, online }) => name === node && Number(online) === 1);
    const isSilent = (raw: Raw) => raw.status === 'unknown' && raw.type === 'lxc' && isOnline(raw.node);
    const nodes = [...new Set(all.filter(isSilent).map(({ node }) => String(node)))];
    const lists = await Promise.all(
      nodes.map((node) =>
        this.get<readonly Raw[]>(apiPath`/nodes/${node}/lxc`).catch((error) => {
          this.#unlessAborted(error);
          return [];
        }),
      ),
    );
    const told = new Map(lists.flat().map((one) => [Number(one.vmid), one]));
    return all.map((raw) => {
      const own = isSilent(raw) ? told.get(Number(raw.vmid)) : undefined;
      return own === undefined ? raw : { ...raw, name: own.name, status: own.status };
    });
  }

  /** A guest of the cluster; null when there is none of that id. */
  async find(id: number): Promise<Found | null> {
    return (await this.#list()).get(id) ?? null;
  }

  /** The same where it must be there. */
  async need(id: number): Promise<Found> {
    const found = await this.find(id);
    if (found) return found;
    throw new CliError(`Unable to find ${this.nameOf(id)}: the cluster has no such container.`, {
      outcome: 'not_found',
      fix: 'Run "psactl plan" to see what is missing, and "psactl apply" to have it made.',
    });
  }

  /** The containers of the inventory, of a group or all, with where they are or were a moment ago. */
  async placed(group?: string): Promise<readonly Placed[]> {
    const list = await this.#lately();
    return this.site.containers
      .filter((container) => group === undefined || container.group === group)
      .map((container) => {
        const found = list.get(container.id);
        const { status } = found ?? {};
        const state = status === 'running' || status === 'stopped' ? status : found ? 'unknown' : 'missing';
        return { container, node: found?.node ?? null, state };
      });
  }

  /** Those of them that run. */
  async running(group: string): Promise<readonly Container[]> {
    const all = await this.placed(group);
    return all.filter(({ state }) => state === 'running').map(({ container }) => container);
  }

  /** Ids of the guests in a pool; none when there is no such pool. */
  async members(pool: string): Promise<ReadonlySet<number>> {
    const pools = await this.get<readonly { poolid: string }[]>('/pools');
    return pools.some(({ poolid }) => poolid === pool) ? this.membersOf(pool) : new Set();
  }

  /** The same for a pool that is there. */
  async membersOf(pool: string): Promise<ReadonlySet<number>> {
    const { members = [] } = await this.get<{ members?: readonly { vmid?: number }[] }>(
      apiPath`/pools/${pool}`,
    );
    return new Set(members.flatMap(({ vmid }) => (vmid === undefined ? [] : [Number(vmid)])));
  }

  async status(node: string, id: number): Promise<string> {
    const path = apiPath`/nodes/${node}/lxc/${id}/status/current`;
    return (await this.get<{ status: string }>(path)).status;
  }

  /** Null: there is no such configuration (any more). */
  async config(node: string, id: number): Promise<(ObservedConfig & { readonly digest: string }) | null> {
    try {
      const raw = await this.get<RawConfig>(apiPath`/nodes/${node}/lxc/${id}/config`);
      return { ...readConfig(raw), digest: String(raw.digest ?? '') };
    } catch (error) {
      if (error instanceof ProxmoxError && error.isMissing) return null;
      throw error;
    }
  }

  /** For people. */
  nameOf(id: number): string {
    const known = this.site.containers.find((one) => one.id === id);
    return known ? `${known.name} (CT ${id})` : `CT ${id}`;
  }

  async #list(): Promise<ReadonlyMap<number, Found>> {
    const [all, status] = await Promise.all([
      this.get<readonly Raw[]>('/cluster/resources', { type: 'vm' }),
      this.get<readonly Raw[]>('/cluster/status'),
    ]);
    return new Map(
      (await this.heard(all, status)).map((raw) => [Number(raw.vmid), foundOf(raw, status)] as const),
    );
  }

  /** A moment old perhaps: many steps at once need not each have the whole list made. */
  #lately(): Promise<ReadonlyMap<number, Found>> {
    if (!this.#recent || performance.now() - this.#recent.at > PLACE_MS) {
      const list = this.#list();
      this.#recent = { at: performance.now(), list };
      list.catch(() => {
        this.#recent = null;
      });
    }
    return this.#recent.list;
  }

  // ── In containers ──────────────────────────────────────────────────────────

  /** Runs a command in a container, wherever that is now. Its exit code is passed on. */
  async exec(id: number, argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const { node } = (await this.#lately()).get(id) ?? (await this.need(id));
    const all = { timeoutMs: 60_000, signal: this.signal, ...options };
    const result = await this.site.shell.exec(node, id, argv, all);
    // pct's own last words: a command that says something like them was run, and must not be run twice.
    const gone = `Configuration file 'nodes/${node}/lxc/${id}.conf' does not exist`;
    const hasMoved = result.code !== 0 && result.stderr.trimEnd().split('\n').at(-1) === gone;
    // Nothing was run. What was read from a stream is gone, though.
    if (!hasMoved || options.stdin instanceof Readable) return result;
    this.#recent = null;
    return this.site.shell.exec((await this.need(id)).node, id, argv, all);
  }

  /** The same for one that must succeed. @returns what it printed */
  async must(id: number, argv: readonly string[], options: ExecOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.exec(id, argv, options);
    if (code === 0) return stdout;
    const said = (stderr.trim() || stdout.trim()).split('\n').slice(-12).join('\n');
    throw new CliError(
      `Unable to run ${argv.slice(0, 2).join(' ')} in ${this.nameOf(id)}: exit code ${code}.`,
      { why: said || 'It said nothing.' },
    );
  }

  /** Asks again and again until there is nothing wrong any more. */
  async until(
    what: string,
    patienceMs: number,
    trouble: () => Promise<string | null | undefined>,
    pauseMs = 1_500,
  ): Promise<void> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const wrong = await trouble();
      if (wrong === null) return;
      if (performance.now() >= deadline)
        throw new CliError(`Unable to see ${what} well after ${Math.round(patienceMs / 1000)} s.`, {
          why: wrong ?? 'It could not be asked.',
        });
      await sleep(pauseMs, undefined, { signal: this.signal });
    }
  }

  readonly #unlessAborted = (error: unknown): void => {
    if (this.signal.aborted) throw error;
  };
}
