import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { RabbitBus } from '@psa/infra/bus/rabbitmq-bus';
import { makeEvent } from '@psa/test-kit/make-event';
import { type RabbitCluster, startRabbitCluster } from '@psa/test-kit/rabbitmq-cluster';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { until } from '@psa/test-kit/until';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { example } from '../inventory/example.test-helper.ts';
import { expand, siteOf } from '../inventory/expand.ts';
import { rabbitmq } from './rabbitmq.ts';
import { orphansFiles, orphansProbe } from './rabbitmq-orphans.ts';

const inventory = example();
const containers = expand(inventory, siteOf(inventory)).filter(({ group }) => group === 'rabbitmq');

let cluster: RabbitCluster;
let root: TempDir;
beforeAll(async () => {
  [cluster, root] = await Promise.all([startRabbitCluster(), tempDir('orphans')]);
  await writeFile(join(root.path, 'look'), orphansFiles[0]!.text);
  for (const { name } of cluster.members)
    await mkdir(join(root.path, name, 'run/psa-rabbitmq-orphans'), { recursive: true });
}, 600_000);
afterAll(async () => {
  await cluster?.stop();
  await root?.remove();
});

const run = promisify(execFile);

/** What a broker answers to a term of Erlang. */
async function evaluate(member: number, term: string): Promise<string> {
  const { distribution } = cluster.members[member]!;
  const asking = run('erl_call', ['-address', distribution, '-e'], {
    env: { PATH: process.env.PATH, HOME: cluster.home },
  });
  asking.child.stdin!.end(`${term}.\n`);
  const { stdout } = await asking;
  expect(stdout).toMatch(/^\{ok, /);
  return stdout;
}

/** Each broker looks once, as their timers have it. @returns what was logged */
async function look(members = [0, 1, 2], more: Readonly<Record<string, string>> = {}): Promise<string> {
  let log = '';
  for (const member of members) {
    const { name, distribution } = cluster.members[member]!;
    const env = { PSA_ROOT: join(root.path, name), PSA_BROKER: distribution, PSA_PAUSE: '1' };
    const ran = await run('sh', [join(root.path, 'look')], {
      env: { PATH: process.env.PATH, HOME: cluster.home, ...env, ...more },
    });
    log += ran.stdout + ran.stderr;
  }
  return log;
}

/** What psactl says of the part after its probe of each broker. */
async function trouble(): Promise<string | null> {
  const answers = cluster.members.map(async ({ name }, index) => {
    const probe = orphansProbe.replace('/run/', `${join(root.path, name)}/run/`);
    const { stdout } = await run('sh', ['-c', `${probe} || :`]);
    const links = containers.map((one) => `erlang_vm_dist_node_state{peer="rabbit@${one.name}"} 3\n`);
    return { container: containers[index]!, text: `rabbitmq_identity_info\n${links.join('')}${stdout}` };
  });
  return rabbitmq.trouble(inventory, await Promise.all(answers));
}

const servers = async (member: number) => {
  const answer = await evaluate(
    member,
    `[atom_to_list(Name) || {Name, _} <- ra_directory:list_registered(quorum_queues)]`,
  );
  return [...answer.matchAll(/"%2F_([^"]*)"/g)].map(([, queue]) => queue);
};

/** Takes the record away, as a declaration does that was not answered in time. */
const loseRecord = (queue: string) =>
  evaluate(1, `rabbit_amqqueue:internal_delete(rabbit_misc:r(<<"/">>, queue, <<"${queue}">>), <<"test">>)`);

/** A record as a declaration writes it before it fails, and takes it back again. */
const withRecord = async <T>(queue: string, work: () => Promise<T>): Promise<T> => {
  await evaluate(1, `mnesia:dirty_write(rabbit_durable_queue, application:get_env(rabbit, psa_test, none))`);
  try {
    return await work();
  } finally {
    await loseRecord(queue);
  }
};

/** Looks until one meets no declaration that is being tried just then. @returns what that one logged */
async function lookAgain(): Promise<string> {
  let log = '';
  await until(async () => {
    await sleep(1_100);
    log = await look();
    return log !== '';
  }, 60_000);
  return log;
}

/** The one that sorts first acts for all. */
const first = () => cluster.members.findIndex(({ name }) => cluster.members.every((one) => name <= one.name));

async function declare(consumer: string): Promise<void> {
  const bus = await RabbitBus.connect({ url: cluster.urls }, 60_000);
  await bus.subscribe({ consumer, topics: ['#'], handle: async () => {} });
  await bus.close();
}

it('a queue whose record is lost is named, then declared again; others keep what is in them', {
  timeout: 300_000,
}, async () => {
  await declare('test.kept');
  const publisher = await RabbitBus.connect({ url: cluster.urls }, 60_000);
  const kept = Array.from({ length: 20 }, () => makeEvent());
  await publisher.publish(kept);
  await declare('test.lost ü');
  const resource = 'rabbit_misc:r(<<"/">>, queue, <<"test.lost ü">>)';
  await evaluate(
    1,
    `begin {ok, Q} = rabbit_amqqueue:lookup(${resource}), application:set_env(rabbit, psa_test, Q) end`,
  );
  await loseRecord('test.lost ü');

  // Our own client: not ready, with the reason in its log, and it goes on trying.
  const warnings: string[] = [];
  const bus = await RabbitBus.connect(
    { url: cluster.urls, log: { info: () => {}, warn: (line) => warnings.push(line) } },
    60_000,
  );
  const seen: string[] = [];
  const subscribed = bus.subscribe({
    consumer: 'test.lost ü',
    topics: ['#'],
    handle: async (event) => void seen.push(event.id),
  });
  await until(() => warnings.filter((line) => line.includes('cluster_not_formed')).length >= 2, 60_000);
  await expect(bus.ping()).rejects.toThrow();

  expect(await look()).toBe('');
  // Too soon to count, as a queue that is being made would be seen.
  expect(await look()).toBe('');
  expect(await trouble()).toBeNull();
  expect(await lookAgain()).toMatch(/nobody can declare it: test\.lost ü\n$/);
  expect(await trouble()).toMatch(/^test\.lost ü: nobody can declare it/);
  await sleep(1_100);
  expect(await withRecord('test.lost ü', look)).toBe('');
  expect(await trouble()).toMatch(/^test\.lost ü: nobody can declare it/);
  // What was seen before is not forgotten for that: the next look removes it.
  const log = await lookAgain();
  for (const { name } of cluster.members)
    expect(log).toContain(`Removed the Raft server without a record of queue test.lost ü on ${name}: ok`);
  expect(await trouble()).toBeNull();

  await subscribed;
  await until(() =>
    bus.ping().then(
      () => true,
      () => false,
    ),
  );
  const event = makeEvent();
  await publisher.publish([event]);
  await until(() => seen.includes(event.id), 30_000);
  await bus.close();
  const got = new Set<string>();
  await publisher.subscribe({
    consumer: 'test.kept',
    topics: ['#'],
    handle: async ({ id }) => void got.add(id),
  });
  await until(() => [...kept, event].every(({ id }) => got.has(id)), 30_000);
  await publisher.close();
  for (const turn of [1, 2, 3]) {
    await sleep(turn * 400);
    expect(await look()).toBe('');
  }
});

it('a broker of a release that is not known does nothing, nor one without most of the others', {
  timeout: 300_000,
}, async () => {
  await declare('test.cut off');
  await loseRecord('test.cut off');
  for (const _ of [1, 2, 3]) {
    expect(await look([0, 1, 2], { PSA_RELEASE: '4.0' })).toBe('');
    await sleep(1_100);
  }
  expect(await servers(first())).toContain('test.cut off');
  await look();
  await sleep(1_100);
  await look();
  expect(await trouble()).toMatch(/^test\.cut off/);
  const survivor = first();
  const others = [0, 1, 2].filter((member) => member !== survivor);
  await Promise.all(others.map((member) => cluster.kill9(member)));
  await sleep(1_100);
  expect(await look([survivor])).toBe('');
  await sleep(1_100);
  expect(await look([survivor])).toBe('');
  await Promise.all(others.map((member) => cluster.start(member)));
  await until(async () => (await servers(survivor)).includes('test.cut off'), 60_000);
});
