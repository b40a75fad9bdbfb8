import { failure } from '../errors.ts';
import type { LabNetwork } from '../ports.ts';

/** A node of the lab's cluster. */
export interface LabNode {
  readonly name: string;
  /** Its number in the cluster, from 1. */
  readonly id: number;
  /** Its address in the management VLAN. */
  readonly address: string;
  readonly cores: number;
  readonly memoryMb: number;
}

/** Which nodes are on, and which see which: what corosync knows. */
export class Membership {
  readonly nodes: readonly LabNode[];
  readonly #network: LabNetwork;
  readonly #off: Set<string>;
  readonly #links = new Set<string>();
  readonly #silent = new Set<string>();
  /** When each node was switched on, in milliseconds; no two times the same. */
  readonly #since = new Map<string, number>();

  constructor(nodes: readonly LabNode[], network: LabNetwork, off: readonly string[] = []) {
    this.nodes = nodes;
    this.#network = network;
    this.#off = new Set(off);
    for (const node of nodes) this.#since.set(node.name, Date.now());
  }

  /** The node of a name. @throws what Proxmox VE says to an unknown one */
  node(name: string): LabNode {
    const found = this.nodes.find((one) => one.name === name);
    if (found) return found;
    throw failure(
      `hostname lookup '${name}' failed - failed to get address info for: ${name}: Temporary failure in name resolution`,
    );
  }

  has(name: string): boolean {
    return this.nodes.some((one) => one.name === name);
  }

  /** Asks the wires who reaches whom. */
  async refresh(): Promise<void> {
    const found = new Set<string>();
    for (const a of this.nodes)
      for (const b of this.nodes)
        if (a.id < b.id && this.isOn(a.name) && this.isOn(b.name))
          if (await this.#network.linked(a.name, b.name)) found.add(`${a.name} ${b.name}`);
    this.#links.clear();
    for (const link of found) this.#links.add(link);
  }

  /** Power of a node. */
  isOn(name: string): boolean {
    return !this.#off.has(name);
  }

  setPower(name: string, on: boolean): void {
    if (on) this.#off.delete(name);
    else this.#off.add(name);
    if (on) this.#silent.delete(name);
    if (on) this.#since.set(name, Math.max(Date.now(), this.boot(name) + 1));
  }

  /** Whether a node's pvestatd tells the cluster how the node, its guests and its storages are. */
  reports(name: string): boolean {
    return !this.#silent.has(name);
  }

  setReports(name: string, does: boolean): void {
    if (does) this.#silent.delete(name);
    else this.#silent.add(name);
  }

  /** Which boot of a node it is: another number each time that it is switched on. */
  boot(name: string): number {
    return this.#since.get(name) ?? 0;
  }

  /** Seconds since a node was switched on. */
  uptime(name: string): number {
    return this.isOn(name) ? Math.floor((Date.now() - (this.#since.get(name) ?? Date.now())) / 1000) : 0;
  }

  /** Whether `from` reaches `to` now. */
  sees(from: string, to: string): boolean {
    if (!this.isOn(from) || !this.isOn(to)) return false;
    return from === to || this.#links.has(`${from} ${to}`) || this.#links.has(`${to} ${from}`);
  }

  /** The nodes that a node has in its part of the cluster, itself included. */
  partition(from: string): readonly string[] {
    return this.nodes.map((one) => one.name).filter((name) => this.sees(from, name));
  }

  /** Whether a node is in the part that has the majority. */
  isQuorate(name: string): boolean {
    return this.partition(name).length > this.nodes.length / 2;
  }

  /** @throws what a node without quorum answers to a change of a guest */
  requireQuorum(name: string): void {
    if (!this.isQuorate(name)) throw failure('cluster not ready - no quorum?');
  }
}
