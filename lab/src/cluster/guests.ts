import { failure } from '../errors.ts';
import { type ClusterFiles, digestOf } from './cluster-files.ts';
import { type GuestConf, newConf, parseConf, printConf } from './guest-conf.ts';

/** Where a guest is. */
export interface GuestPlace {
  readonly vmid: number;
  readonly node: string;
}

/** A configuration as it was read. */
export interface LoadedGuest extends GuestPlace {
  readonly conf: GuestConf;
  readonly digest: string;
}

/** The containers' configurations in the cluster's files. */
export class Guests {
  readonly #files: ClusterFiles;
  readonly #nodes: readonly string[];
  /** Asked for many times a second by the HA manager; nobody else writes these files. */
  readonly #homes = new Map<number, string>();

  constructor(files: ClusterFiles, nodes: readonly string[]) {
    this.#files = files;
    this.#nodes = nodes;
    for (const node of nodes) for (const { vmid } of this.on(node)) this.#homes.set(vmid, node);
  }

  /** `nodes/pve1/lxc/101.conf`, as errors name it. */
  file(node: string, vmid: number): string {
    return `nodes/${node}/lxc/${vmid}.conf`;
  }

  /** A guest of a node. @throws `Configuration file 'nodes/pve1/lxc/101.conf' does not exist` */
  load(node: string, vmid: number): LoadedGuest {
    const text = this.#files.read(this.file(node, vmid));
    if (text === null) throw failure(`Configuration file '${this.file(node, vmid)}' does not exist`);
    return { vmid, node, conf: parseConf(text), digest: digestOf(text) };
  }

  /** The node that has a guest; null: no node has. */
  nodeOf(vmid: number): string | null {
    return this.#homes.get(vmid) ?? null;
  }

  /** Guests of a node, by id. */
  on(node: string): readonly GuestPlace[] {
    return this.#files
      .list(`nodes/${node}/lxc`)
      .flatMap((name) => {
        const id = /^(\d+)\.conf$/.exec(name)?.[1];
        return id === undefined ? [] : [{ vmid: Number(id), node }];
      })
      .sort((a, b) => a.vmid - b.vmid);
  }

  /** All guests of the cluster, by id. */
  all(): readonly GuestPlace[] {
    return this.#nodes.flatMap((node) => this.on(node)).sort((a, b) => a.vmid - b.vmid);
  }

  save(node: string, vmid: number, conf: GuestConf): void {
    this.#files.write(this.file(node, vmid), printConf(conf));
    this.#homes.set(vmid, node);
  }

  /** Reads, changes and saves. @returns what `change` gave */
  update<T>(node: string, vmid: number, change: (conf: GuestConf) => T): T {
    const { conf } = this.load(node, vmid);
    const result = change(conf);
    this.save(node, vmid, conf);
    return result;
  }

  /** Takes an id for the whole cluster. @throws `CT 101 already exists on node 'pve1'` */
  reserve(node: string, vmid: number, lock: string): void {
    this.requireUnused(vmid);
    this.save(node, vmid, newConf({ lock }));
  }

  /** @throws `CT 101 already exists on node 'pve1'` */
  requireUnused(vmid: number): void {
    const owner = this.nodeOf(vmid);
    if (owner !== null) throw failure(`CT ${vmid} already exists on node '${owner}'`);
  }

  move(vmid: number, from: string, to: string): void {
    this.#files.move(this.file(from, vmid), this.file(to, vmid));
    this.#homes.set(vmid, to);
  }

  remove(node: string, vmid: number): void {
    this.#files.remove(this.file(node, vmid));
    if (this.#homes.get(vmid) === node) this.#homes.delete(vmid);
  }
}

/** @throws `CT is locked (backup)` */
export function requireUnlocked(conf: GuestConf): void {
  if (conf.values.lock !== undefined) throw failure(`CT is locked (${conf.values.lock})`);
}

/** @throws when the caller knows an older configuration */
export function requireDigest(known: string | null, actual: string): void {
  if (known !== null && known !== actual)
    throw failure('detected modified configuration - file changed by other user? Try again.');
}
