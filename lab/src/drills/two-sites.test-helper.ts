import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { labDown } from '../control.ts';
import { checkTickets, startLoad } from '../load/start-load.ts';
import { PASSWORD, type Rig } from './rig.test-helper.ts';

/** The lab of the site that stands by. */
export const STANDBY = {
  dir: '/var/lib/psa-lab-drill-dr',
  name: 'psadrilldr',
  loopback: '127.79.0',
  portalPort: 9444,
};
/** A machine of each lab's internet that leads to the other lab's edge, and its port. */
export const WAY = { address: '203.0.113.10', port: 9500 };
/** What the standby has one of. */
export const ONE = [
  'gateway',
  'auth',
  'crm',
  'tickets',
  'events',
  'search',
  'postgres',
  'rabbitmq',
  'redis',
  'haproxy',
];

/** What these drills change of one. */
export interface Inventory {
  sites: { name: string; portal: string }[];
  vlans: { name: string; internet: boolean }[];
  flows: object[];
  dr?: object;
  backup: { tiers: { folder?: string }[] };
}
interface Step {
  readonly id: string;
  readonly ms: number;
  readonly outcome: string;
  readonly text?: string;
}
/** What a failover or a failback says. */
export interface Moved {
  readonly data: {
    readonly rto_ms: number;
    readonly rpo_ms: number;
    readonly standing_ms: number;
    readonly total_ms: number;
    readonly steps: readonly Step[];
  };
}

/** Changes an inventory in its file. */
export const edit = (file: string, change: (inventory: Inventory) => void) => {
  const inventory = parse(readFileSync(file, 'utf8')) as Inventory;
  change(inventory);
  writeFileSync(file, stringify(inventory));
  return inventory;
};

/** The DMZ may ask the other site's edge. */
export function openDmz({ vlans, flows }: Inventory): void {
  vlans.find(({ name }) => name === 'dmz')!.internet = true;
  const why = 'whether the other site serves';
  flows.push({ from: 'haproxy', to: 'internet', protocol: 'tcp', ports: [WAY.port], why });
}

/** A port of the edge of one lab (`to`), as seen from its internet (`at`), for the internet of the other (`from`). */
interface Feed {
  readonly port: number;
  readonly from: string;
  readonly to: string;
  readonly at: string;
}

/**
 * Two labs have no cable between them. The same address leads to the edge of each by a port of its own: in the internet of
 * the other lab, and here for psactl.
 */
export function leadBetween(
  edges: readonly { readonly port: number; readonly portal: number; readonly seenFrom: string }[],
  feeds: readonly Feed[] = [],
): () => void {
  const ip = (...args: readonly string[]) => void spawnSync('ip', args);
  const run = (...args: readonly string[]) => spawn(args[0]!, args.slice(1), { stdio: 'ignore' });
  ip('address', 'add', `${WAY.address}/32`, 'dev', 'lo');
  const ends: ChildProcess[] = edges.flatMap(({ port, portal, seenFrom }) => {
    const socket = `/run/psa-drill-${port}.sock`;
    rmSync(socket, { force: true });
    const listen = `TCP-LISTEN:${port},bind=${WAY.address},fork,reuseaddr`;
    return [
      run('socat', `UNIX-LISTEN:${socket},fork`, `TCP:127.0.0.1:${portal}`),
      run('socat', listen, `TCP:127.0.0.1:${portal}`),
      run('ip', 'netns', 'exec', `${seenFrom}-internet`, 'socat', listen, `UNIX-CONNECT:${socket}`),
    ];
  });
  for (const { port, from, to, at } of feeds) {
    const socket = `/run/psa-drill-${port}.sock`;
    rmSync(socket, { force: true });
    const listen = `TCP-LISTEN:${port},bind=${WAY.address},fork,reuseaddr`;
    ends.push(
      run('ip', 'netns', 'exec', `${to}-internet`, 'socat', `UNIX-LISTEN:${socket},fork`, `TCP:${at}`),
      run('ip', 'netns', 'exec', `${from}-internet`, 'socat', listen, `UNIX-CONNECT:${socket}`),
    );
  }
  return () => {
    for (const end of ends) end.kill();
    for (const { port } of [...edges, ...feeds]) rmSync(`/run/psa-drill-${port}.sock`, { force: true });
    ip('address', 'delete', `${WAY.address}/32`, 'dev', 'lo');
  };
}

/** People at the portal of one lab or the other, from its internet. */
export function peopleOf({ inventory }: Rig) {
  const client = {
    ...{ url: `https://${inventory.domain}`, address: '203.0.113.1' },
    ...{ email: 'technician@demo.example', password: PASSWORD },
  };
  const internetOf = (name: string) => `/run/netns/${name}-internet`;
  return {
    load: (name: string, how: { pauseMs: number; readers: number; writers: number; seconds: number }) =>
      startLoad({ ...client, ...how }, internetOf(name)),
    /** Those of the tickets that are not there. */
    missing: (name: string, ids: readonly string[]) =>
      checkTickets({ ...client, ids: [...ids], writeTimeoutMs: 30_000 }, internetOf(name)),
  };
}

/** The power of the first lab comes back; until its database runs. */
export async function powerBack(rig: Rig): Promise<void> {
  for (const { name } of rig.site.nodes) await rig.lab.startNode(name);
  const patroni = () =>
    rig.inside('psa-postgres-1', 'curl -sf -m 3 http://10.0.30.10:8008/health').then(
      () => true,
      () => false,
    );
  await until('the database of the old site runs', 240_000, patroni);
}

/** Whatever came of it: one lab again, with power, and as its inventory said before. */
export async function asBefore(rig: Rig, file: string, before: string): Promise<void> {
  await labDown(STANDBY.dir);
  for (const { name } of rig.site.nodes) await rig.lab.startNode(name).catch(() => {});
  writeFileSync(file, before);
  await rig.psactl('apply', '--yes');
}

/** Whether the edge of a lab speaks to its internet. */
export const serves = (lab: string) =>
  spawnSync('ip', [
    ...[
      'netns',
      'exec',
      `${lab}-internet`,
      'curl',
      '-sk',
      '-m',
      '3',
      '-o',
      '/dev/null',
      'https://203.0.113.1/',
    ],
  ]).status === 0;

/** @throws when it is not so after that time */
async function until(what: string, withinMs: number, is: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await is())) {
    if (Date.now() > end) throw new Error(`Not so after ${withinMs / 1000} s: ${what}`);
    await sleep(1_000);
  }
}
