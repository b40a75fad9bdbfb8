import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expand, siteOf } from '@psa/appliance/inventory/expand';
import type { Inventory } from '@psa/appliance/inventory/schema';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { example } from './example.test-helper.ts';
import { flowProbe, type ProbeResult, probeAttempts, probeFindings } from './flow-probe.ts';
import { NamespaceNetwork } from './namespace-network.ts';
import { listNamespaces, namespaceFile, runIn } from './namespaces.ts';
import { type Attempt, probeMachines } from './probe-plan.ts';
import { startSimpleHosts } from './simple-hosts.test-helper.ts';

/** A lab of its own beside any that runs. */
const LAB = `psan${process.pid}`;

/** What the machine itself has; the lab must leave it as it is. Ages and counters are not among it. */
function machine(): string {
  const ask = (program: string, ...args: string[]) => execFileSync(program, args, { encoding: 'utf8' });
  return [
    ask('ip', 'link', 'show'),
    ask('ip', '-4', 'addr', 'show'),
    ask('ip', 'route', 'show', 'table', 'all'),
    ask('ip', 'rule', 'show'),
    ask('nft', 'list', 'ruleset'),
    ask('sh', '-c', 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/*/rp_filter'),
  ].join('\n');
}

describe('the network of the lab', () => {
  const before = machine();
  const inventory = example();
  const site = siteOf(inventory);
  let folder: string;
  let network: NamespaceNetwork;
  let containers: Readonly<Record<string, string>>;
  const probeOf = (one: Inventory) => ({ inventory: one, site, lab: LAB, containers });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'psa-network-'));
    network = new NamespaceNetwork({ lab: LAB, folder: join(folder, 'network') });
    await network.up(inventory, site);
    containers = await startSimpleHosts(network, inventory, site);
  });

  // What a failed test left behind is not the next one's business.
  afterEach(async () => {
    await network.up(inventory, site);
    await network.heal('pve1');
    await network.setNode('pve2', true);
  });

  afterAll(async () => {
    await network.down();
    await rm(folder, { recursive: true });
  });

  /** An attempt between two machines of the inventory. */
  function attempt(from: string, to: string, port: number, protocol: 'tcp' | 'udp' = 'tcp'): Attempt {
    const machines = probeMachines(inventory, site);
    const [sender, target] = [from, to].map((name) => machines.find((one) => one.name === name)!);
    const { address } = target!;
    return { from: sender!, to, address, arrives: address, port, protocol, expected: 'open', why: 'test' };
  }
  const found = async (...attempts: Attempt[]) =>
    (await probeAttempts(probeOf(inventory), attempts)).map((one) => one.found);

  describe('flows, tried with real sockets', () => {
    let results: readonly ProbeResult[];
    beforeAll(async () => {
      results = await flowProbe({ ...probeOf(inventory), forbidden: 150 });
    });

    it('connect where the inventory allows it, and nowhere else', () => {
      expect(probeFindings(results)).toEqual([]);
    });

    it('were all tried: each flow of the inventory, and forbidden ones between all VLANs', () => {
      const opened = results.filter((one) => one.expected === 'open');
      for (const { why, ports } of inventory.flows)
        for (const port of (ports ?? []).flatMap((one) => String(one).split('-')))
          expect(
            opened.some((one) => one.why === why && one.port === Number(port)),
            `${why}, port ${port}`,
          ).toBe(true);
      const refused = results.filter((one) => one.expected === 'silent');
      expect(refused).toHaveLength(150);
      expect(new Set(refused.map((one) => one.from.vlan))).toEqual(new Set([10, 20, 30, 40, 50, null]));
      expect(new Set(refused.map((one) => one.protocol))).toEqual(new Set(['tcp', 'udp']));
    });

    it('of a forbidden kind are cut by the rules alone: without them, each one arrives', async () => {
      const refused = results.filter((one) => one.expected === 'silent');
      await runIn('open the firewall', network.namespace('fabric'), [
        'nft',
        'delete',
        'table',
        'inet',
        'psa',
      ]);
      const without = await probeAttempts(probeOf(inventory), refused);
      await network.up(inventory, site);
      expect(
        without.filter((one) => one.found === 'silent').map((one) => `${one.from.name} ${one.to}`),
      ).toEqual([]);
    });
  });

  it('keeps data away from the internet, and gives the services only what they ask', async () => {
    expect(
      await found(
        attempt('psa-postgres-1', 'internet', 443),
        attempt('psa-postgres-1', 'internet', 53, 'udp'),
        attempt('psa-tickets-1', 'psa-postgres-1', 5432),
        attempt('psa-haproxy-1', 'psa-rabbitmq-1', 5672),
        attempt('psa-tickets-1', 'psa-rabbitmq-1', 5672, 'udp'),
        attempt('psa-tickets-1', 'psa-rabbitmq-1', 5673),
        attempt('internet', 'psa-haproxy-1', 443),
      ),
    ).toEqual(Array(7).fill('silent'));
    expect(await found(attempt('psa-tickets-1', 'psa-rabbitmq-1', 5672))).toEqual(['open']);
  });

  it('filters nothing within a VLAN, also from node to node', async () => {
    expect(
      await found(
        attempt('psa-postgres-1', 'psa-postgres-2', 2380),
        attempt('psa-postgres-1', 'psa-redis-3', 7777, 'udp'),
        attempt('pve1', 'pve3', 8006),
      ),
    ).toEqual(['open', 'open', 'open']);
  });

  it('refuses a sender that stands elsewhere', async () => {
    const services = network.namespace('ct-210');
    const spoofed = attempt('psa-gateway-1', 'psa-postgres-1', 6432);
    await runIn('take an address', services, ['ip', 'addr', 'add', '10.0.40.11/32', 'dev', 'eth0']);
    try {
      const from = { ...spoofed.from, address: '10.0.40.11' };
      expect(await found({ ...spoofed, from })).toEqual(['silent']);
    } finally {
      await runIn('give it back', services, ['ip', 'addr', 'del', '10.0.40.11/32', 'dev', 'eth0']);
    }
  });

  it('answers the names of the inventory on each gateway, and no others', async () => {
    const ask = async (namespace: string, server: string, name: string) => {
      const script = `const { Resolver } = require('node:dns').promises;
        const resolver = new Resolver({ timeout: 2000, tries: 2 });
        resolver.setServers(['${server}']);
        resolver.resolve4('${name}').then((list) => console.log(list.sort().join(' ')), (error) => console.log(error.code));`;
      return (await runIn('ask', namespace, [process.execPath, '-e', script])).trim();
    };
    const database = network.namespace('ct-300');
    expect(await ask(database, '10.0.30.1', 'postgres.psa.internal')).toBe('10.0.40.10');
    expect(await ask(database, '10.0.30.1', 'redis.psa.internal')).toBe('10.0.30.30 10.0.30.31 10.0.30.32');
    expect(await ask(database, '10.0.30.1', 'psa.example.com')).toBe('10.0.40.10');
    expect(await ask(database, '10.0.30.1', 'nobody.psa.internal')).toBe('ENOTFOUND');
    expect(await ask(database, '10.0.30.1', 'www.example.org')).toBe('EREFUSED');
    expect(await ask(network.namespace('ct-210'), '10.0.20.1', 'psa-crm-2.psa.internal')).toBe('10.0.20.31');
  });

  it('applies changed flows and names at the next up', async () => {
    const changed = example();
    changed.flows = [
      ...changed.flows.filter((flow) => flow.to !== 'rabbitmq'),
      { from: 'backup', to: 'redis', protocol: 'tcp', ports: [6379], why: 'copies of the cache' },
    ];
    const tries = () =>
      found(attempt('psa-tickets-1', 'psa-rabbitmq-1', 5672), attempt('storage', 'psa-redis-1', 6379));
    expect(await tries()).toEqual(['open', 'silent']);
    await network.up(changed, site);
    expect(await tries()).toEqual(['silent', 'open']);
    await network.up(inventory, site);
    expect(await tries()).toEqual(['open', 'silent']);
  });

  it('cuts a partitioned node off, and leaves its containers to one another', async () => {
    const on = (node: string, group: string) =>
      expand(inventory, site).find((one) => one.node === node && one.group === group)!.name;
    const here = on('pve1', 'postgres');
    const neighbour = on('pve1', 'redis');
    const there = on('pve2', 'postgres');
    const others = on('pve3', 'postgres');
    const repository = expand(inventory, site).find(({ group }) => group === 'ops')!.name;
    const tries = () =>
      found(
        attempt(here, neighbour, 6379),
        attempt(here, there, 5432),
        // By the router, which stands at none of the nodes.
        attempt(here, repository, 8432),
        attempt('pve1', 'pve2', 8006),
        attempt(there, others, 5432),
      );
    expect(await tries()).toEqual(Array(5).fill('open'));
    await network.partition('pve1');
    expect(await network.linked('pve1', 'pve2')).toBe(false);
    expect(await network.linked('pve2', 'pve3')).toBe(true);
    const cut = async () => (await tries()).map((one) => one === 'open');
    expect(await cut()).toEqual([true, false, false, false, true]);

    // A new process over the same lab keeps what was cut.
    network = new NamespaceNetwork({ lab: LAB, folder: join(folder, 'network') });
    await network.up(inventory, site);
    expect(await cut()).toEqual([true, false, false, false, true]);
    expect(await network.linked('pve1', 'pve2')).toBe(false);
    expect(network.partitioned()).toEqual(['pve1']);

    await network.heal('pve1');
    expect(await tries()).toEqual(Array(5).fill('open'));
    expect(await network.linked('pve1', 'pve2')).toBe(true);
  });

  it('takes a node without power off the network, and back', async () => {
    const tries = () => found(attempt('pve2', 'pve1', 8006), attempt('pve2', 'storage', 2049));
    await network.setNode('pve2', false);
    expect((await tries()).map((one) => one === 'open')).toEqual([false, false]);
    expect(await network.linked('pve2', 'pve3')).toBe(false);
    expect(await network.linked('pve1', 'pve3')).toBe(true);
    await network.setNode('pve2', true);
    expect(await tries()).toEqual(['open', 'open']);
  });

  it('says what it has no cable for', () => {
    expect(network.attachment('pve1', 'vmbr0', 20)).toEqual({ namespace: `${LAB}-pve1`, link: 'vmbr0v20' });
    expect(() => network.attachment('pve1', 'vmbr9', 20)).toThrow("bridge 'vmbr9' does not exist");
    expect(() => network.attachment('pve9', 'vmbr0', 20)).toThrow('there is no such node');
  });

  it('mends what was taken away by hand', async () => {
    const { namespace } = network.attachment('pve3', 'vmbr0', 20);
    await runIn('pull a cable', namespace, ['ip', 'link', 'del', 'uplink10']);
    expect(await found(attempt('pve3', 'pve1', 8006))).not.toEqual(['open']);
    await network.up(inventory, site);
    expect(await found(attempt('pve3', 'pve1', 8006))).toEqual(['open']);
  });

  it('is finished by the next one when the first was killed at any moment', async () => {
    const lab = `${LAB}k`;
    const other = new NamespaceNetwork({ lab, folder: join(folder, 'killed') });
    const file = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
    const program = `
      import { NamespaceNetwork } from ${file('./namespace-network.ts')};
      import { example } from ${file('./example.test-helper.ts')};
      process.stdout.write('go');
      await new NamespaceNetwork({ lab: '${lab}', folder: ${JSON.stringify(join(folder, 'killed'))} }).up(
        example(), example().sites[0]);`;
    const inside = (name: string) => runIn('list', other.namespace(name), ['ip', '-br', 'addr']);
    try {
      for (const ms of [5, 25, 45, 65, 85, 105]) {
        const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
        await once(child.stdout, 'data');
        await sleep(ms);
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
        await other.up(inventory, site);
        for (const { name } of site.nodes) expect(await inside(name)).toMatch(/uplink50\S+ +UP/);
        expect(await inside('fabric')).toMatch(/wan\S+ +UP +203\.0\.113\.1/);
        if (ms > 60) await other.down();
      }
    } finally {
      await other.down();
    }
    expect(await listNamespaces(`${lab}-`)).toEqual([]);
  });

  it('leaves the machine as it was while it stands, and takes everything along when it goes', async () => {
    expect(machine()).toBe(before);
    await network.down();
    expect(await listNamespaces(`${LAB}-`)).toEqual([]);
    expect(existsSync(join(folder, 'network'))).toBe(false);
    expect(machine()).toBe(before);
    await network.down();
    await network.up(inventory, site);
    expect(existsSync(namespaceFile(network.namespace('internet')))).toBe(true);
  });
});
