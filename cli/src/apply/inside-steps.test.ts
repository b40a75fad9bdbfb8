import { example } from '@psa/appliance/inventory/example.test-helper';
import { expand } from '@psa/appliance/inventory/expand';
import type { DesiredContainer } from '@psa/appliance/plan/desired';
import { expect, it } from 'vitest';
import type { Cluster } from '../site/cluster.ts';
import { waitReady } from './inside-steps.ts';

const inventory = example();
const containers = expand(inventory);
const crm = containers.find(({ name }) => name === 'psa-crm-1')! as DesiredContainer;

/** What members of the data parts answer when all is well. */
const WELL: Readonly<Record<string, (index: number) => string>> = {
  postgres: () =>
    `probe ${JSON.stringify({
      members: containers
        .filter(({ group }) => group === 'postgres')
        .map(({ name }, i) => ({
          ...{
            name,
            role: ['leader', 'sync_standby', 'replica'][i],
            state: i === 0 ? 'running' : 'streaming',
          },
        })),
    })}`,
  rabbitmq: () =>
    [
      'probe rabbitmq_identity_info 1',
      ...[1, 2, 3].map((n) => `probe erlang_vm_dist_node_state{peer="rabbit@psa-rabbitmq-${n}"} 3`),
    ].join('\n'),
  redis: () =>
    ['ip', '10.0.30.30', 'flags', 'master', 'num-slaves', '2', 'num-other-sentinels', '2']
      .map((line) => `probe ${line}`)
      .join('\n'),
};

/** A cluster whose psa-crm-1 is unready until it is restarted; looks are a second apart. */
function cluster(ill: string | null) {
  let seconds = 0;
  let restarts = 0;
  const answer = (id: number) => {
    const { group } = containers.find((one) => one.id === id)!;
    const own =
      group === 'crm'
        ? `health {"version":"1.0.0"}\nready ${restarts > 0 ? '{} 200' : '{"checks":{"cache":{"status":"failed","error":"Connection is closed"}}} 503'}`
        : group === ill
          ? ''
          : WELL[group]!(0);
    return { code: 0, stdout: `${own}\nend\n`, stderr: '' };
  };
  const it = {
    site: {
      inventory,
      containers,
      shell: {
        execEach: async (_: string, commands: ReadonlyMap<number, unknown>) =>
          new Map([...commands.keys()].map((id) => [id, answer(id)])),
      },
    },
    signal: new AbortController().signal,
    placed: async (group: string) =>
      containers
        .filter((one) => one.group === group)
        .map((container) => ({ container, node: container.node, state: 'running' })),
    must: async (_: number, argv: readonly string[]) => {
      if (argv.join(' ').includes('systemctl restart')) restarts++;
      return '';
    },
    async until(_what: string, patienceMs: number, trouble: () => Promise<string | null>) {
      for (; ; seconds++) {
        const wrong = await trouble();
        if (wrong === null) return;
        if (seconds * 1000 > patienceMs) throw new Error(wrong);
      }
    },
  };
  return { it: it as unknown as Cluster, now: () => seconds * 1000, restarts: () => restarts };
}

it('restarts a service once that stays unready though all that it stands on is well, and says so', async () => {
  const world = cluster(null);
  const notes: string[] = [];
  await waitReady(world.it, crm, (text) => notes.push(text), world.now);
  expect(world.restarts()).toBe(1);
  expect(notes).toEqual([
    'psa-crm-1: not ready (cache: Connection is closed), though what it stands on is well; restarted',
  ]);
  expect(world.now()).toBeGreaterThan(60_000);
});

it('leaves it alone while what it stands on is ill, and names what it waits for', async () => {
  const world = cluster('redis');
  await expect(waitReady(world.it, crm, () => {}, world.now)).rejects.toThrow('cache: Connection is closed');
  expect(world.restarts()).toBe(0);
});
