import { describe, expect, it } from 'vitest';
import type { Order } from './agent.ts';
import { type HaAction, HaCluster, type HaWorld } from './cluster.ts';
import { emptyHaState, type HaState, type Resource, verboseState } from './state.ts';

/** A cluster of three whose guests start, stop and move as they are told. */
class Bench {
  readonly cluster: HaCluster;
  readonly homes = new Map<string, string>();
  readonly running = new Set<string>();
  readonly resets: string[] = [];
  /** Guests that do not start, by `sid@node`. */
  readonly broken = new Set<string>();
  readonly starts: string[] = [];
  nodes: Record<string, { up: boolean; boot: number; reaches: string[] }>;
  now = 0;

  constructor(state: HaState = emptyHaState()) {
    this.cluster = new HaCluster(state);
    const names = ['pve1', 'pve2', 'pve3'];
    this.nodes = Object.fromEntries(names.map((name) => [name, { up: true, boot: 0, reaches: names }]));
  }

  get world(): HaWorld {
    return { nodes: this.nodes, nodeOf: (sid) => this.homes.get(sid) ?? null };
  }

  add(sid: string, node: string, resource: Partial<Resource> = {}): void {
    this.homes.set(sid, node);
    this.cluster.state.resources[sid] = {
      state: 'started',
      maxRestart: 1,
      maxRelocate: 1,
      failback: true,
      ...resource,
    };
  }

  /** Lets time go by, a second at a time. */
  run(seconds: number, each: () => void = () => {}): void {
    for (let i = 0; i < seconds; i++) {
      this.now += 1;
      for (const action of this.cluster.step(this.world, this.now)) this.#act(action);
      each();
    }
  }

  /** Until a guest is in a state; answers the seconds it took. */
  until(sid: string, wanted: string, limit = 400): number {
    const from = this.now;
    while (this.seen(sid) !== wanted) {
      if (this.now - from > limit) throw new Error(`${sid} is ${this.seen(sid)}, not ${wanted}`);
      this.run(1);
    }
    return this.now - from;
  }

  seen(sid: string): string {
    const { services, resources } = this.cluster.state;
    return `${verboseState(services[sid], resources[sid])}@${services[sid]?.node ?? '-'}`;
  }

  #act(action: HaAction): void {
    if (action.kind === 'reset') {
      this.resets.push(action.node);
      for (const [sid, node] of this.homes) if (node === action.node) this.running.delete(sid);
    } else if (action.kind === 'steal') this.homes.set(action.sid, action.to);
    else if (action.kind === 'order')
      this.cluster.finished(this.world, this.now, action, this.#carryOut(action));
  }

  #carryOut({ sid, node, want }: Order): number {
    if (want.kind === 'started') {
      this.starts.push(`${sid}@${node}`);
      if (this.broken.has(`${sid}@${node}`)) return 1;
      expect(this.homes.get(sid)).toBe(node);
      this.running.add(sid);
    } else this.running.delete(sid);
    if (want.kind === 'moved') this.homes.set(sid, want.target);
    return 0;
  }
}

describe('the HA manager', () => {
  it('starts, stops, moves and forgets a guest', () => {
    const bench = new Bench();
    bench.add('ct:100', 'pve2');
    expect(bench.seen('ct:100')).toBe('queued@-');
    bench.until('ct:100', 'started@pve2');
    expect(bench.running).toContain('ct:100');

    bench.cluster.state.commands.push({ kind: 'migrate', sid: 'ct:100', target: 'pve3' });
    bench.until('ct:100', 'started@pve3');
    bench.cluster.state.resources['ct:100']!.state = 'stopped';
    bench.until('ct:100', 'stopped@pve3');
    expect(bench.running).not.toContain('ct:100');
    bench.cluster.state.resources['ct:100']!.state = 'started';
    bench.until('ct:100', 'started@pve3');

    delete bench.cluster.state.resources['ct:100'];
    bench.run(11);
    expect(bench.cluster.state.services).toEqual({});
    expect(bench.running).toContain('ct:100');
  });

  it('recovers a dead node’s guest after 60 s and the end of the lock, and has the node back', () => {
    const bench = new Bench();
    bench.add('ct:100', 'pve3');
    bench.until('ct:100', 'started@pve3');
    bench.nodes.pve3!.up = false;
    const fenced = bench.until('ct:100', 'fence@pve3');
    expect(fenced).toBeGreaterThan(60);
    expect(fenced).toBeLessThanOrEqual(80);
    expect(bench.cluster.state.nodes.pve3).toBe('fence');
    const recovered = fenced + bench.until('ct:100', 'started@pve1');
    expect(recovered).toBeGreaterThan(120);
    expect(recovered).toBeLessThanOrEqual(150);
    expect(bench.homes.get('ct:100')).toBe('pve1');

    bench.nodes.pve3!.up = true;
    bench.run(20);
    expect(bench.cluster.state.nodes.pve3).toBe('online');
    expect(bench.seen('ct:100')).toBe('started@pve1');
  });

  it('finds another master when the master dies, and then fences it', () => {
    const bench = new Bench();
    bench.add('ct:100', 'pve1');
    bench.until('ct:100', 'started@pve1');
    expect(bench.cluster.state.master).toBe('pve1');
    bench.nodes.pve1!.up = false;
    const took = bench.until('ct:100', 'started@pve2');
    expect(bench.cluster.state.master).toBe('pve2');
    // 120 s until the manager's lock is free, 60 s of not seeing the node.
    expect(took).toBeGreaterThan(180);
    expect(took).toBeLessThanOrEqual(215);
  });

  it('resets a node that is cut off before its guest starts elsewhere', () => {
    const bench = new Bench();
    bench.add('ct:100', 'pve3');
    bench.until('ct:100', 'started@pve3');
    bench.nodes.pve3!.reaches = ['pve3'];
    let resetAt = 0;
    let startedAt = 0;
    bench.run(200, () => {
      if (bench.resets.length > 0) resetAt ||= bench.now;
      if (bench.homes.get('ct:100') !== 'pve3' && bench.running.has('ct:100')) startedAt ||= bench.now;
    });
    expect(bench.resets).toEqual(['pve3']);
    expect(resetAt).toBeGreaterThan(0);
    expect(startedAt).toBeGreaterThan(resetAt);
  });

  it('does nothing without quorum', () => {
    const bench = new Bench();
    bench.nodes.pve2!.up = false;
    bench.nodes.pve3!.up = false;
    bench.add('ct:100', 'pve1');
    bench.run(300);
    expect(bench.seen('ct:100')).toBe('queued@-');
    expect(bench.cluster.state.master).toBeNull();
  });

  it('tries a start again here, then elsewhere, then gives up until it is disabled', () => {
    const bench = new Bench();
    bench.add('ct:100', 'pve1', { maxRestart: 2, maxRelocate: 1 });
    for (const node of ['pve1', 'pve2', 'pve3']) bench.broken.add(`ct:100@${node}`);
    bench.until('ct:100', 'error@pve2');
    expect(bench.starts.filter((one) => one === 'ct:100@pve1')).toHaveLength(3);
    expect(bench.starts.filter((one) => one === 'ct:100@pve2')).toHaveLength(3);
    bench.broken.clear();
    bench.run(60);
    expect(bench.seen('ct:100')).toBe('error@pve2');
    bench.cluster.state.resources['ct:100']!.state = 'disabled';
    bench.until('ct:100', 'disabled@pve2');
    bench.cluster.state.resources['ct:100']!.state = 'started';
    bench.until('ct:100', 'started@pve2');
  });

  it('leaves a disabled guest on a dead node, and an ignored one alone', () => {
    const bench = new Bench();
    bench.add('ct:100', 'pve3', { state: 'disabled' });
    bench.add('ct:101', 'pve3', { state: 'ignored' });
    bench.until('ct:100', 'disabled@pve3');
    expect(bench.seen('ct:101')).toBe('ignored@-');
    bench.nodes.pve3!.up = false;
    bench.run(200);
    expect(bench.seen('ct:100')).toBe('disabled@pve3');
    expect(bench.starts).toEqual([]);
  });

  it('moves guests away from a node in maintenance and back', () => {
    const bench = new Bench();
    bench.add('ct:100', 'pve3');
    bench.until('ct:100', 'started@pve3');
    const agents = bench.cluster.state.agents;
    const maintain = (on: boolean, seconds: number) =>
      bench.run(seconds, () => {
        agents.pve3 = { ...agents.pve3!, mode: on ? 'maintenance' : 'active' };
      });
    maintain(true, 60);
    expect(bench.seen('ct:100')).toBe('started@pve1');
    maintain(false, 60);
    expect(bench.seen('ct:100')).toBe('started@pve3');
  });

  it('brings a guest to the node of the highest priority, and back when that node is back', () => {
    const bench = new Bench();
    bench.cluster.state.rules.prefer = {
      type: 'node-affinity',
      resources: ['ct:100', 'ct:101'],
      nodes: { pve2: 2, pve3: 1 },
      strict: true,
    };
    bench.add('ct:100', 'pve1');
    bench.add('ct:101', 'pve1', { failback: false });
    bench.until('ct:100', 'started@pve2');
    bench.until('ct:101', 'started@pve2');
    bench.nodes.pve2!.up = false;
    bench.until('ct:100', 'started@pve3');
    bench.until('ct:101', 'started@pve3');
    bench.nodes.pve2!.up = true;
    bench.until('ct:100', 'started@pve2');
    bench.run(60);
    expect(bench.seen('ct:101')).toBe('started@pve3');
  });

  it('waits in recovery while a strict rule leaves no node', () => {
    const bench = new Bench();
    bench.cluster.state.rules.only = {
      type: 'node-affinity',
      resources: ['ct:100'],
      nodes: { pve3: 0 },
      strict: true,
    };
    bench.add('ct:100', 'pve3');
    bench.until('ct:100', 'started@pve3');
    bench.nodes.pve3!.up = false;
    bench.until('ct:100', 'recovery@pve3');
    bench.run(60);
    expect(bench.seen('ct:100')).toBe('recovery@pve3');
    bench.nodes.pve3!.up = true;
    bench.until('ct:100', 'started@pve3');
  });

  it('keeps guests apart, or together, also after a failure', () => {
    const bench = new Bench();
    bench.cluster.state.rules.apart = {
      type: 'resource-affinity',
      resources: ['ct:100', 'ct:101'],
      affinity: 'negative',
    };
    bench.cluster.state.rules.together = {
      type: 'resource-affinity',
      resources: ['ct:101', 'ct:102'],
      affinity: 'positive',
    };
    for (const sid of ['ct:100', 'ct:101', 'ct:102']) bench.add(sid, 'pve1');
    bench.run(120);
    const places = () => ['ct:100', 'ct:101', 'ct:102'].map((sid) => bench.homes.get(sid)!);
    expect(bench.running.size).toBe(3);
    expect(places()[0]).not.toBe(places()[1]);
    expect(places()[1]).toBe(places()[2]);
    const dead = places()[1]!;
    bench.nodes[dead]!.up = false;
    bench.run(250);
    expect(places()).not.toContain(dead);
    expect(places()[0]).not.toBe(places()[1]);
    expect(places()[1]).toBe(places()[2]);
    expect(bench.running.size).toBe(3);
  });
});
