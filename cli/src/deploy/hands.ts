import type { Container } from '@psa/appliance/inventory/expand';
import type { ExecOptions, ExecResult } from '@psa/proxmox/ssh';
import type { OpenSite } from '../appliance/site.ts';
import { CliError } from '../errors.ts';

/** A container of the inventory as the cluster has it. */
export interface Placed {
  readonly container: Container;
  /** Where it is now: the HA manager may have moved it. Null: the cluster does not know it. */
  readonly node: string | null;
  readonly state: 'running' | 'stopped' | 'unknown' | 'missing';
}

interface Resource {
  readonly type: string;
  readonly vmid?: number;
  readonly node?: string;
  readonly status?: string;
}

/** Every container of the inventory with the node where it is now. */
export async function locate(site: OpenSite, signal?: AbortSignal): Promise<readonly Placed[]> {
  const resources = await site.client.request<readonly Resource[]>(
    'GET',
    '/cluster/resources',
    { type: 'vm' },
    signal ? { signal } : {},
  );
  return site.containers.map((container) => {
    const found = resources.find((one) => one.vmid === container.id);
    const state =
      found === undefined
        ? 'missing'
        : found.status === 'running' || found.status === 'stopped'
          ? found.status
          : 'unknown';
    return { container, node: found?.node ?? null, state };
  });
}

/** Runs commands in containers, wherever these are now. */
export class Hands {
  readonly #site: OpenSite;
  readonly #signal: AbortSignal | undefined;
  #placed = new Map<string, Placed>();

  constructor(site: OpenSite, placed: readonly Placed[], signal?: AbortSignal) {
    this.#site = site;
    this.#signal = signal;
    this.#remember(placed);
  }

  /** Asks the cluster anew where everything is. */
  async refresh(): Promise<void> {
    this.#remember(await locate(this.#site, this.#signal));
  }

  /** Containers of a group, in order. */
  of(group: string): readonly Placed[] {
    return [...this.#placed.values()].filter((one) => one.container.group === group);
  }

  all(): readonly Placed[] {
    return [...this.#placed.values()];
  }

  /** Runs a command in a container; its exit code is passed on. */
  async exec(name: string, argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const placed = this.#placed.get(name);
    if (!placed?.node)
      throw new CliError(`Unable to run ${argv[0]} in ${name}: the cluster has no such container.`, {
        outcome: 'not_found',
        fix: 'Run "psactl plan" to see what is missing.',
      });
    return this.#site.shell.exec(placed.node, placed.container.id, argv, {
      timeoutMs: 60_000,
      ...(this.#signal ? { signal: this.#signal } : {}),
      ...options,
    });
  }

  /** The same for a command that must succeed. @returns what it printed */
  async must(name: string, argv: readonly string[], options: ExecOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.exec(name, argv, options);
    if (code === 0) return stdout;
    const said = (stderr.trim() || stdout.trim()).split('\n').slice(-8).join('\n');
    throw new CliError(`Unable to run ${argv.slice(0, 2).join(' ')} in ${name}: exit code ${code}.`, {
      why: said || 'It said nothing.',
    });
  }

  #remember(placed: readonly Placed[]): void {
    this.#placed = new Map(placed.map((one) => [one.container.name, one]));
  }
}
