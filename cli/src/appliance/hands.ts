import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ObservedConfig } from '@psa/appliance/plan/observed';
import { apiPath } from '@psa/proxmox/client/encode';
import { ProxmoxError } from '@psa/proxmox/client/errors';
import type { ExecOptions, ExecResult } from '@psa/proxmox/ssh';
import { CliError } from '../errors.ts';
import type { Journal } from './journal.ts';
import { type RawConfig, readConfig } from './pve-config.ts';
import type { OpenSite } from './site.ts';

/** A guest as it is now. */
export interface Found {
  readonly node: string;
  readonly status: string;
}

type Params = Readonly<Record<string, string | number | boolean>>;

/** How old the list of places may be where only the way into a container is asked. */
const PLACE_MS = 3_000;

/** What steps do to the cluster, each with a look at how things are now. */
export class Hands {
  readonly site: OpenSite;
  readonly signal: AbortSignal;
  readonly #journal: Journal;
  #recent: { readonly at: number; readonly list: Promise<ReadonlyMap<number, Found>> } | null = null;

  constructor(site: OpenSite, journal: Journal, signal: AbortSignal) {
    this.site = site;
    this.signal = signal;
    this.#journal = journal;
  }

  get<T>(path: string, params: Params = {}): Promise<T> {
    return this.site.client.request<T>('GET', path, params, { signal: this.signal });
  }

  write<T>(method: string, path: string, params: Params = {}): Promise<T> {
    return this.site.client.request<T>(method, path, params, { signal: this.signal });
  }

  /** Starts a task, writes down which one, and waits for its end. */
  async task(step: string, method: string, path: string, params: Params = {}): Promise<void> {
    const answer = await this.write<unknown>(method, path, params);
    if (typeof answer !== 'string' || !answer.startsWith('UPID:')) return;
    this.#journal.add({ event: 'task', step, upid: answer });
    await this.site.client.waitTask(answer, { signal: this.signal });
  }

  /** A guest of the cluster; null when there is none of that id. */
  async find(id: number): Promise<Found | null> {
    return (await this.#list()).get(id) ?? null;
  }

  /** The same, a moment old perhaps: many steps at once need not each have the whole list made. */
  async place(id: number): Promise<Found | null> {
    if (!this.#recent || performance.now() - this.#recent.at > PLACE_MS) {
      const list = this.#list();
      this.#recent = { at: performance.now(), list };
      list.catch(() => {
        this.#recent = null;
      });
    }
    return (await this.#recent.list).get(id) ?? null;
  }

  async #list(): Promise<ReadonlyMap<number, Found>> {
    const all = await this.get<readonly Record<string, unknown>[]>('/cluster/resources', { type: 'vm' });
    return new Map(
      all.map((one) => [Number(one.vmid), { node: String(one.node), status: String(one.status) }]),
    );
  }

  /** The same where it must be there. */
  async need(id: number): Promise<Found> {
    const found = await this.find(id);
    if (found) return found;
    throw new CliError(`Unable to find CT ${id}: it is no longer there.`, { fix: 'Run psactl apply again.' });
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

  /** Runs a command in a container, wherever that is now. */
  async exec(id: number, argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const { node } = (await this.place(id)) ?? (await this.need(id));
    const all = { timeoutMs: 60_000, signal: this.signal, ...options };
    const result = await this.site.shell.exec(node, id, argv, all);
    const hasMoved = result.code !== 0 && /^Configuration file '.*' does not exist/m.test(result.stderr);
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
    throw new CliError(`Unable to run ${argv.slice(0, 2).join(' ')} in CT ${id}: exit code ${code}.`, {
      why: said || 'It said nothing.',
    });
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
