import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Order } from '../ha/agent.ts';
import { HaCluster, type HaWorld } from '../ha/cluster.ts';
import { emptyHaState, type HaState, type Service, TIMES } from '../ha/state.ts';
import { managerLines } from '../ha/status.ts';

const GOLDEN = join(import.meta.dirname, '../../../../shared/pve/golden');

interface Sample {
  readonly t: number;
  readonly label: string;
  readonly line: string;
}

const recorded = (file: string): readonly Sample[] =>
  JSON.parse(readFileSync(join(GOLDEN, file), 'utf8')) as Sample[];

/** A cluster as the recorded one was: ct:101 disabled on pve1, ct:150 on pve2 or pve3. */
function clusterWith(service: Service, asked: 'started' | 'disabled') {
  const state: HaState = {
    ...emptyHaState(),
    master: 'pve1',
    nodes: { pve1: 'online', pve2: 'online', pve3: 'online' },
    services: { 'ct:101': { state: 'stopped', node: 'pve1', uid: 'a' }, 'ct:150': service },
    resources: {
      'ct:101': { state: 'disabled', maxRestart: 1, maxRelocate: 1, failback: true },
      'ct:150': { state: asked, maxRestart: 1, maxRelocate: 1, failback: true },
    },
  };
  const cluster = new HaCluster(state);
  const home = new Map([
    ['ct:101', 'pve1'],
    ['ct:150', service.node],
  ]);
  const names = ['pve1', 'pve2', 'pve3'];
  const nodes: Record<string, { up: boolean; boot: number; reaches: string[] }> = Object.fromEntries(
    names.map((name) => [name, { up: true, boot: 0, reaches: names }]),
  );
  const world: HaWorld = { nodes, nodeOf: (sid) => home.get(sid) ?? null };
  return { cluster, state, home, world, nodes };
}

interface Step {
  readonly at: number;
  readonly label?: string;
  readonly act?: () => void;
}

/** Plays a scene in steps of 0.1 s and notes every change of the status line, as the recording did. */
function play(
  scene: ReturnType<typeof clusterWith>,
  options: { from: number; until: number; seconds: Readonly<Record<string, number>>; steps: readonly Step[] },
): Sample[] {
  const { cluster, state, home, world } = scene;
  const samples: Sample[] = [];
  const due: { at: number; order: Order }[] = [];
  let label = '';
  let last = '';
  for (let tick = Math.round(options.from * 10); tick <= options.until * 10; tick++) {
    const now = tick / 10;
    for (const step of options.steps.filter((one) => Math.round(one.at * 10) === tick)) {
      step.act?.();
      label = step.label ?? label;
    }
    for (const { order } of due.filter((one) => one.at <= now)) {
      if (order.want.kind === 'moved') home.set(order.sid, order.want.target);
      cluster.finished(world, now, order, 0);
    }
    due.splice(0, due.length, ...due.filter((one) => one.at > now));
    for (const action of cluster.step(world, now)) {
      if (action.kind === 'order')
        due.push({ at: now + (options.seconds[action.want.kind] ?? 0), order: action });
      if (action.kind === 'steal') home.set(action.sid, action.to);
    }
    const line = managerLines(state, { now, quorate: true }).join(' | ');
    // The recorder looked now and then.
    if (tick % 5 !== 0) continue;
    if (label !== '' && line !== last) samples.push({ t: now, label, line });
    if (label !== '') last = line;
  }
  return samples;
}

/** Each recorded line comes, in this order, at most one round (10 s) away from its time; nothing else is seen. */
function expectAlike(ours: readonly Sample[], golden: readonly Sample[]): void {
  expect(ours.map(({ label, line }) => `${label}: ${line}`)).toEqual(
    golden.map(({ label, line }) => `${label}: ${line}`),
  );
  for (const [index, sample] of golden.entries())
    expect.soft(Math.abs(ours[index]!.t - sample.t), sample.line).toBeLessThanOrEqual(TIMES.round / 2);
}

describe('HA states over time, as the recorded cluster had them', () => {
  it('start, shutdown, start, migration', () => {
    const scene = clusterWith({ state: 'stopped', node: 'pve2', uid: 'b' }, 'disabled');
    const { cluster, state } = scene;
    // How the recorded daemons stood to each other. The agent of pve2 has had a guest before.
    state.services['ct:150']!.state = 'request_stop';
    cluster.setPhase('pve1', { manager: -28.6, agent: -24 });
    cluster.setPhase('pve2', { manager: -24, agent: -28 });
    cluster.setPhase('pve3', { manager: -24, agent: -28.7 });
    const ask = (wanted: 'started' | 'stopped') => () => {
      state.resources['ct:150']!.state = wanted;
    };
    const ours = play(scene, {
      from: -29,
      until: 90,
      seconds: { started: 0.5, stopped: 1, moved: 2 },
      steps: [
        { at: 0, label: 'boot' },
        { at: 0.1, label: 'start', act: ask('started') },
        { at: 21.3, label: 'shutdown', act: ask('stopped') },
        { at: 32.3, label: 'start-request', act: ask('started') },
        {
          at: 55,
          label: 'migrate',
          act: () => state.commands.push({ kind: 'migrate', sid: 'ct:150', target: 'pve3' }),
        },
      ],
    });
    expectAlike(ours, recorded('05-ha-timeline.json'));
  });

  it('a node that loses its link', () => {
    const scene = clusterWith({ state: 'started', node: 'pve3', uid: 'b' }, 'started');
    const { cluster, state, nodes } = scene;
    // The agent of pve2 has had a guest before.
    state.services['ct:102'] = { state: 'started', node: 'pve2', uid: 'c' };
    state.resources['ct:102'] = { ...state.resources['ct:150']! };
    scene.home.set('ct:102', 'pve2');
    cluster.setPhase('pve1', { manager: -29.9, agent: -28.3 });
    cluster.setPhase('pve2', { manager: -27, agent: -26 });
    cluster.setPhase('pve3', { manager: -27, agent: -28 });
    const ours = play(scene, {
      from: -30,
      until: 145,
      seconds: { started: 2 },
      steps: [
        { at: -10, act: () => delete state.resources['ct:102'] },
        // The link is down at 0; the others notice that the node's token is lost three seconds later.
        { at: 3, act: () => (nodes.pve3!.up = false) },
        { at: 25.6, label: 'detect' },
        { at: 100, label: 'failover' },
      ],
    });
    expectAlike(ours, recorded('06-failover-timeline.json'));
  });
});
