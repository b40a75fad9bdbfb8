import type { Inventory } from '@psa/appliance/inventory/schema';
import type { Site } from '@psa/appliance/inventory/site-schema';
import { type LabNetwork, RuntimeFailure } from '../ports.ts';

/** Wires for machines without root: only what the cluster itself sees of them, kept in memory. */
export class NullNetwork implements LabNetwork {
  #inventory: Inventory | null = null;
  readonly #nodes = new Map<string, { power: boolean; cable: boolean }>();

  async up(inventory: Inventory, site: Site): Promise<void> {
    this.#inventory = inventory;
    for (const { name } of site.nodes)
      if (!this.#nodes.has(name)) this.#nodes.set(name, { power: true, cable: true });
  }

  async down(): Promise<void> {
    this.#nodes.clear();
  }

  async setNode(node: string, up: boolean): Promise<void> {
    this.#node(node).power = up;
  }

  async partition(node: string): Promise<void> {
    this.#node(node).cable = false;
  }

  async heal(node: string): Promise<void> {
    this.#node(node).cable = true;
  }

  partitioned(): readonly string[] {
    return [...this.#nodes].filter(([, { cable }]) => !cable).map(([name]) => name);
  }

  async linked(a: string, b: string): Promise<boolean> {
    const [one, other] = [this.#node(a), this.#node(b)];
    return one.power && other.power && (a === b || (one.cable && other.cable));
  }

  attachment(node: string, bridge: string, vlan: number | null): { namespace: string; link: string } {
    this.#node(node);
    if (!this.#inventory?.vlans.some((one) => one.bridge === bridge))
      throw new RuntimeFailure(`bridge '${bridge}' does not exist`);
    return { namespace: node, link: vlan === null ? bridge : `${bridge}v${vlan}` };
  }

  #node(name: string): { power: boolean; cable: boolean } {
    const node = this.#nodes.get(name);
    if (!node) throw new RuntimeFailure(`Unable to find the cables of "${name}": there is no such node.`);
    return node;
  }
}
