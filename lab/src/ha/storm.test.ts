import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Order } from './agent.ts';
import { HaCluster } from './cluster.ts';
import { emptyHaState, type Resource, verboseState } from './state.ts';

const NODES = ['pve1', 'pve2', 'pve3'] as const;
const SIDS = ['ct:100', 'ct:101', 'ct:102', 'ct:103'] as const;

type Node = (typeof NODES)[number];
type Sid = (typeof SIDS)[number];

/** What befalls the cluster. */
type Event =
  | { readonly kind: 'kill' | 'start'; readonly node: Node }
  | { readonly kind: 'partition' | 'heal'; readonly node: Node }
  | { readonly kind: 'ask'; readonly sid: Sid; readonly state: Resource['state'] }
  | { readonly kind: 'move'; readonly sid: Sid; readonly target: Node };

const node = fc.constantFrom(...NODES);
const sid = fc.constantFrom(...SIDS);
const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ kind: fc.constantFrom('kill', 'start'), node }),
  fc.record({ kind: fc.constantFrom('partition', 'heal'), node }),
  fc.record({
    kind: fc.constant('ask' as const),
    sid,
    state: fc.constantFrom('started', 'stopped', 'disabled'),
  }),
  fc.record({ kind: fc.constant('move' as const), sid, target: node }),
);
/** Each after some seconds. */
const storm = fc.array(fc.tuple(fc.integer({ min: 0, max: 150 }), event), { maxLength: 14 });

/** Power is back before anyone has looked: what the node's agent was doing is lost all the same. */
const QUICK_REBOOT: [number, Event][] = [
  [51, { kind: 'start', node: 'pve1' }],
  [0, { kind: 'kill', node: 'pve1' }],
];

/** A cluster whose nodes come and go. What a node runs it runs until it loses power, whatever the others think. */
class Weather {
  readonly cluster = new HaCluster(emptyHaState());
  readonly running = new Map<Sid, Set<string>>(SIDS.map((one) => [one, new Set<string>()]));
  readonly home = new Map<string, string>();
  readonly #nodes: Record<string, { up: boolean; cut: boolean }> = Object.fromEntries(
    NODES.map((name) => [name, { up: true, cut: false }]),
  );
  readonly #due: { at: number; order: Order; life: number }[] = [];
  /** Counts a node's lives: what an old one was about to do does not happen. */
  readonly #lives: Record<string, number> = Object.fromEntries(NODES.map((name) => [name, 0]));
  #now = 0;

  constructor() {
    for (const [index, one] of SIDS.entries()) {
      this.home.set(one, NODES[index % 3]!);
      const usual = { state: 'started' as const, maxRestart: 1, maxRelocate: 1, failback: true };
      this.cluster.state.resources[one] = usual;
    }
    this.cluster.state.rules.apart = {
      ...{ type: 'resource-affinity', affinity: 'negative', resources: ['ct:100', 'ct:101'] },
    };
  }

  befall(what: Event): void {
    const { state } = this.cluster;
    switch (what.kind) {
      case 'kill':
        this.#lose(what.node, false);
        break;
      case 'start':
        this.#nodes[what.node]!.up = true;
        break;
      case 'partition':
      case 'heal':
        this.#nodes[what.node]!.cut = what.kind === 'partition';
        break;
      case 'ask':
        state.resources[what.sid]!.state = what.state;
        break;
      case 'move':
        state.commands.push({ kind: 'migrate', sid: what.sid, target: what.target });
        break;
      default:
        what satisfies never;
    }
  }

  calm(): void {
    for (const name of NODES) Object.assign(this.#nodes[name]!, { up: true, cut: false });
    for (const one of SIDS) this.cluster.state.resources[one]!.state = 'started';
  }

  run(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.#now++;
      for (const done of this.#due.splice(0).filter((one) => !this.#finish(one))) this.#due.push(done);
      for (const action of this.cluster.step(this.#world(), this.#now)) {
        if (action.kind === 'reset') this.#lose(action.node, true);
        else if (action.kind === 'steal') this.home.set(action.sid, action.to);
        else if (action.kind === 'order')
          this.#due.push({ at: this.#now + 3, order: action, life: this.#lives[action.node]! });
      }
      for (const [one, where] of this.running)
        if (where.size > 1) throw new Error(`${one} runs on ${[...where].join(' and ')} at ${this.#now} s`);
    }
  }

  #world() {
    const seen = (from: string, to: string) =>
      from === to || !(this.#nodes[from]!.cut || this.#nodes[to]!.cut);
    const nodes = Object.fromEntries(
      NODES.map((name) => [
        name,
        {
          up: this.#nodes[name]!.up,
          boot: this.#lives[name]!,
          reaches: NODES.filter((other) => seen(name, other)),
        },
      ]),
    );
    return { nodes, nodeOf: (one: string) => this.home.get(one) ?? null };
  }

  #lose(name: string, stays: boolean): void {
    this.#nodes[name]!.up = stays;
    this.#lives[name]!++;
    for (const where of this.running.values()) where.delete(name);
  }

  /** @returns whether it is over with */
  #finish({ at, order, life }: { at: number; order: Order; life: number }): boolean {
    if (this.#lives[order.node] !== life) return true;
    if (at > this.#now) return false;
    const { sid: one, node: name, want } = order;
    const where = this.running.get(one as Sid)!;
    // As the API has it: only the node with the configuration starts a guest, and only with quorum.
    const quorate = NODES.filter((other) => this.#world().nodes[name]!.reaches.includes(other)).length > 1;
    const isHere = this.home.get(one) === name;
    let exitCode = 0;
    if (want.kind === 'started') {
      if (isHere && quorate) where.add(name);
      else exitCode = isHere ? 1 : 3;
    } else {
      where.delete(name);
      if (want.kind === 'moved') {
        if (isHere && quorate && this.#nodes[want.target]!.up && !this.#nodes[want.target]!.cut)
          this.home.set(one, want.target);
        else exitCode = 1;
      }
    }
    this.cluster.finished(this.#world(), this.#now, order, exitCode);
    return true;
  }
}

describe('the HA manager in a storm', () => {
  it('never runs a guest twice, and has all of them when the storm is over', () => {
    fc.assert(
      fc.property(storm, (events) => {
        const weather = new Weather();
        weather.run(30);
        for (const [pause, what] of events) {
          weather.befall(what);
          weather.run(pause);
        }
        weather.calm();
        weather.run(500);
        const { services, resources } = weather.cluster.state;
        // What could start nowhere during the storm waits for someone to look at it.
        const well = SIDS.filter((one) => services[one]?.state !== 'error');
        for (const one of well) {
          expect(verboseState(services[one], resources[one]), one).toBe('started');
          expect([...weather.running.get(one)!], one).toEqual([weather.home.get(one)]);
          expect(services[one]?.node, one).toBe(weather.home.get(one));
        }
        if (well.includes('ct:100') && well.includes('ct:101'))
          expect(weather.home.get('ct:100')).not.toBe(weather.home.get('ct:101'));
      }),
      { numRuns: 60, examples: [[QUICK_REBOOT]] },
    );
  }, 120_000);
});
