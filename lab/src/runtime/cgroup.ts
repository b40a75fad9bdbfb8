import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Limits } from '../ports.ts';

const PERIOD_US = 100_000;
const MIB = 1024 * 1024;
/** What a container's control groups count. Bytes, seconds. */
export interface Counters {
  readonly memory: number;
  readonly swap: number;
  readonly cpuSeconds: number;
}

/**
 * The control groups of a lab: `<lab>/<node>/<id>` for a container and `<id>.monitor` for the LXC process that holds
 * it. They are the machine's own memory of what runs where, and outlive the daemon.
 */
export class Cgroups {
  readonly #lab: string;
  readonly #root: string;
  /** Debian 12 mounts one hierarchy (v2); machines with the older layout have one per controller. */
  readonly #isUnified: boolean;

  /** @param root where the machine has its groups; tests have their own */
  constructor(lab: string, root = '/sys/fs/cgroup') {
    this.#lab = lab;
    this.#root = root;
    this.#isUnified = existsSync(join(root, 'cgroup.controllers'));
  }

  /** Path of a container's group, as LXC's configuration wants it. */
  container(node: string, id: number): string {
    return `${this.#lab}/${node}/${id}`;
  }

  monitor(node: string, id: number): string {
    return `${this.#lab}/${node}/${id}.monitor`;
  }

  /** Ids with a living process on a node. */
  living(node: string): number[] {
    return children(this.#directory('freezer', `${this.#lab}/${node}`))
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((id) => this.processes(node, id).length > 0)
      .sort((a, b) => a - b);
  }

  /** Ids of which anything is left on a node, were it an empty group. */
  known(node: string): number[] {
    const names = children(this.#directory('freezer', `${this.#lab}/${node}`));
    return [...new Set(names.flatMap((name) => /^(\d+)(\.monitor)?$/.exec(name)?.[1] ?? []))].map(Number);
  }

  processes(node: string, id: number): number[] {
    return processes(this.#directory('freezer', this.container(node, id)));
  }

  monitors(node: string, id: number): number[] {
    return processes(this.#directory('freezer', this.monitor(node, id)));
  }

  /** The file that lists the monitor of a container; it goes with it. */
  monitorProcesses(node: string, id: string): string {
    return join(this.#directory('freezer', `${this.#lab}/${node}/${id}.monitor`), 'cgroup.procs');
  }

  /** The process that is number 1 in the container; null: it is not there. */
  init(node: string, id: number): number | null {
    return this.processes(node, id).find(isInit) ?? null;
  }

  isFrozen(node: string, id: number): boolean {
    const folder = this.#directory('freezer', this.container(node, id));
    return this.#isUnified
      ? /^frozen 1$/m.test(text(join(folder, 'cgroup.events')))
      : /^FR/.test(text(join(folder, 'freezer.state')));
  }

  thaw(node: string, id: number): void {
    const folder = this.#directory('freezer', this.container(node, id));
    if (this.#isUnified) writeFileSync(join(folder, 'cgroup.freeze'), '0');
    else writeFileSync(join(folder, 'freezer.state'), 'THAWED');
  }

  /** Removes what LXC left behind: it removes its own groups, unless it was killed. */
  clear(node: string, id: number): void {
    for (const hierarchy of this.#hierarchies())
      for (const group of [this.container(node, id), this.monitor(node, id)])
        removeTree(join(hierarchy, group));
  }

  /** Removes the lab's own groups; one that is in use stays. */
  clearLab(): void {
    for (const hierarchy of this.#hierarchies()) removeTree(join(hierarchy, this.#lab));
  }

  /** Lines of LXC's configuration that set the limits. */
  limitLines(limits: Limits): string[] {
    const prefix = this.#isUnified ? 'lxc.cgroup2' : 'lxc.cgroup';
    return settings(limits, this.#isUnified).map(([, file, value]) => `${prefix}.${file} = ${value}`);
  }

  /** Sets the limits of a running container. @throws when the kernel refuses, as for less memory than is in use */
  setLimits(node: string, id: number, limits: Limits): void {
    const group = this.container(node, id);
    const write = ([controller, file, value]: Setting) =>
      writeFileSync(join(this.#directory(controller, group), file), value);
    const all = settings(limits, this.#isUnified);
    // With one hierarchy per controller memory may never exceed memory and swap together, so the order matters.
    try {
      for (const setting of all) write(setting);
    } catch {
      for (const setting of all.toReversed()) write(setting);
      for (const setting of all) write(setting);
    }
  }

  counters(node: string, id: number): Counters {
    const group = this.container(node, id);
    const memory = this.#directory('memory', group);
    const stat = text(join(memory, 'memory.stat'));
    const used = number(join(memory, this.#isUnified ? 'memory.current' : 'memory.usage_in_bytes'));
    const cache = entry(stat, this.#isUnified ? 'inactive_file' : 'total_inactive_file');
    return {
      memory: Math.max(0, used - cache),
      swap: this.#isUnified ? number(join(memory, 'memory.swap.current')) : entry(stat, 'total_swap'),
      cpuSeconds: this.#isUnified
        ? entry(text(join(memory, 'cpu.stat')), 'usage_usec') / 1e6
        : number(join(this.#directory('cpuacct', group), 'cpuacct.usage')) / 1e9,
    };
  }

  #directory(controller: string, group: string): string {
    return join(this.#root, this.#isUnified ? '' : controller, group);
  }

  #hierarchies(): string[] {
    return this.#isUnified ? [this.#root] : children(this.#root).map((name) => join(this.#root, name));
  }
}

type Setting = readonly [controller: string, file: string, value: string];

function settings({ memoryMb, swapMb, cores }: Limits, isUnified: boolean): Setting[] {
  const memory = memoryMb * MIB;
  const swap = swapMb * MIB;
  if (isUnified)
    return [
      ['memory', 'memory.max', String(memory)],
      ['memory', 'memory.swap.max', String(swap)],
      ['cpu', 'cpu.max', `${cores === null ? 'max' : cores * PERIOD_US} ${PERIOD_US}`],
    ];
  return [
    ['memory', 'memory.limit_in_bytes', String(memory)],
    ['memory', 'memory.memsw.limit_in_bytes', String(memory + swap)],
    ['cpu', 'cpu.cfs_period_us', String(PERIOD_US)],
    ['cpu', 'cpu.cfs_quota_us', cores === null ? '-1' : String(cores * PERIOD_US)],
  ];
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const number = (path: string) => Number(text(path).trim() || 0);
const entry = (stat: string, name: string) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(stat)?.[1] ?? 0);

function children(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? one.name : []));
  } catch {
    return [];
  }
}

function processes(folder: string): number[] {
  const own = text(join(folder, 'cgroup.procs')).split('\n').filter(Boolean).map(Number);
  return [...own, ...children(folder).flatMap((name) => processes(join(folder, name)))];
}

/** Number 1 one namespace below this one; a container inside the container has its own number 1 deeper. */
function isInit(pid: number): boolean {
  const line = /^NSpid:\s+(.+)$/m.exec(text(`/proc/${pid}/status`))?.[1]?.split(/\s+/) ?? [];
  return line.length === 2 && line[1] === '1';
}

function removeTree(folder: string): void {
  for (const name of children(folder)) removeTree(join(folder, name));
  try {
    rmdirSync(folder);
  } catch {
    // Not there, or still in use: then a later start finds it again.
  }
}
