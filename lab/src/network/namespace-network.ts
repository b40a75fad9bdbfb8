import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Inventory } from '@psa/appliance/inventory/schema';
import type { Site } from '@psa/appliance/inventory/site-schema';
import { firewallPolicy } from '@psa/appliance/render/firewall-policy';
import { type LabNetwork, RuntimeFailure } from '../ports.ts';
import { serveNames } from './name-server.ts';
import {
  addNamespaces,
  ipBatch,
  linksOf,
  listNamespaces,
  removeNamespaces,
  runIn,
  setKernel,
  wholeNamespaces,
} from './namespaces.ts';
import { renderRuleset } from './ruleset.ts';
import {
  bridgeOf,
  cableOf,
  hwaddrOf,
  legOf,
  type Machine,
  namespaceOf,
  OUTSIDE,
  topologyOf,
  uplinkOf,
  WAN,
} from './topology.ts';

/** Where a network stands. */
export interface NamespaceNetworkOptions {
  /** Name of the lab: lower case and digits; the namespaces are called `<lab>-…`. */
  readonly lab: string;
  /** Folder for its state; removed by `down`. */
  readonly folder: string;
}

/** Whether a node has power, and whether its cables are plugged in. */
interface Plugs {
  power: boolean;
  cable: boolean;
}

/**
 * The lab's wires as network namespaces of the kernel: a router that is the switch too, one namespace per node, one
 * per host of the inventory, one for the internet. Nothing is made in the machine's own namespace: both ends of every
 * cable are born inside.
 */
export class NamespaceNetwork implements LabNetwork {
  readonly #lab: string;
  readonly #folder: string;
  #inventory: Inventory | null = null;
  #site: Site | null = null;
  #plugs = new Map<string, Plugs>();
  /** Changes wait for one another. */
  #last: Promise<unknown> = Promise.resolve();

  constructor({ lab, folder }: NamespaceNetworkOptions) {
    if (!/^[a-z][a-z0-9]{0,15}$/.test(lab))
      throw new RuntimeFailure(`Unable to name a lab "${lab}": write lower-case letters and digits only.`);
    this.#lab = lab;
    this.#folder = folder;
  }

  /**
   * Makes what is missing and applies rules and names anew. What a partition or a lost node cut stays cut, also after
   * a crash of the caller.
   */
  up(inventory: Inventory, site: Site): Promise<void> {
    return this.#inTurn(async () => {
      const machines = topologyOf(this.#lab, inventory, site);
      const there = await wholeNamespaces(`${this.#lab}-`);
      await mkdir(this.#folder, { recursive: true });
      this.#plugs = await this.#readPlugs(site);
      this.#inventory = inventory;
      this.#site = site;
      await addNamespaces(
        machines.map((machine) => machine.namespace).filter((name) => !there.includes(name)),
      );
      await Promise.all(machines.map(prepare));
      const links = new Map<string, ReadonlySet<string>>();
      for (const { namespace } of machines)
        links.set(namespace, there.includes(namespace) ? await linksOf(namespace) : new Set());
      for (const machine of machines) await ipBatch(machine.namespace, making(machine, links));
      await Promise.all(machines.map((machine) => ipBatch(machine.namespace, setting(machine, machines))));
      await Promise.all(site.nodes.map((node) => this.#plug(node.name)));
      const fabric = namespaceOf(this.#lab, 'fabric');
      const place = { leg: legOf, wan: WAN, outside: OUTSIDE };
      const rules = renderRuleset(firewallPolicy(inventory, site), place);
      await runIn('load the rules of the firewall', fabric, ['nft', '-f', '-'], rules);
      await serveNames(fabric, join(this.#folder, 'names'), inventory, site);
    });
  }

  /** Removes everything, whoever made it. */
  down(): Promise<void> {
    return this.#inTurn(async () => {
      await removeNamespaces(await listNamespaces(`${this.#lab}-`));
      await rm(this.#folder, { recursive: true, force: true });
      this.#plugs = new Map();
    });
  }

  /** The namespace of a node, of a host (`host-<name>`), of the router (`fabric`) or of the `internet`. */
  namespace(name: string): string {
    return namespaceOf(this.#lab, name);
  }

  setNode(node: string, up: boolean): Promise<void> {
    return this.#change(node, { power: up });
  }

  partition(node: string): Promise<void> {
    return this.#change(node, { cable: false });
  }

  heal(node: string): Promise<void> {
    return this.#change(node, { cable: true });
  }

  partitioned(): readonly string[] {
    return [...this.#plugs].filter(([, { cable }]) => !cable).map(([name]) => name);
  }

  async linked(a: string, b: string): Promise<boolean> {
    const [one, other] = [this.#plugsOf(a), this.#plugsOf(b)];
    return one.power && other.power && (a === b || (one.cable && other.cable));
  }

  attachment(node: string, bridge: string, vlan: number | null): { namespace: string; link: string } {
    const known = this.#up().inventory.vlans.filter((one) => one.bridge === bridge);
    if (known.length === 0) throw new RuntimeFailure(`bridge '${bridge}' does not exist`);
    if (vlan !== null && !known.some((one) => one.id === vlan))
      throw new RuntimeFailure(
        `bridge '${bridge}' carries no VLAN ${vlan}: the inventory has none of that tag`,
      );
    this.#plugsOf(node);
    return { namespace: namespaceOf(this.#lab, node), link: bridgeOf(bridge, vlan) };
  }

  #up(): { inventory: Inventory; site: Site } {
    if (this.#inventory && this.#site) return { inventory: this.#inventory, site: this.#site };
    throw new RuntimeFailure('Unable to use the network: it is not up.');
  }

  #plugsOf(node: string): Plugs {
    const plugs = this.#plugs.get(node);
    if (plugs) return plugs;
    throw new RuntimeFailure(`Unable to find the cables of "${node}": there is no such node.`);
  }

  #change(node: string, change: Partial<Plugs>): Promise<void> {
    return this.#inTurn(async () => {
      Object.assign(this.#plugsOf(node), change);
      // First the file: whoever comes after a crash finishes it.
      const file = join(this.#folder, 'plugs.json');
      await writeFile(`${file}.new`, JSON.stringify(Object.fromEntries(this.#plugs)));
      await rename(`${file}.new`, file);
      await this.#plug(node);
    });
  }

  async #readPlugs(site: Site): Promise<Map<string, Plugs>> {
    const text = await readFile(join(this.#folder, 'plugs.json'), 'utf8').catch(() => '{}');
    const saved = JSON.parse(text) as Record<string, Plugs>;
    return new Map(site.nodes.map(({ name }) => [name, saved[name] ?? { power: true, cable: true }]));
  }

  /** Power is the node's own end and its bridges; a partition is the switch's end, so the bridges go on inside. */
  async #plug(name: string): Promise<void> {
    const { inventory, site } = this.#up();
    const { power, cable } = this.#plugsOf(name);
    const number = site.nodes.findIndex((node) => node.name === name) + 1;
    const machine = topologyOf(this.#lab, inventory, site).find(
      (one) => one.kind === 'node' && one.name === name,
    )!;
    const tags = inventory.vlans.map((vlan) => vlan.id);
    const turn = (links: readonly string[], on: boolean) =>
      links.map((link) => `link set ${link} ${on ? 'up' : 'down'}`);
    await ipBatch(
      namespaceOf(this.#lab, 'fabric'),
      turn(
        tags.map((tag) => cableOf(number, tag)),
        cable,
      ),
    );
    await ipBatch(machine.namespace, [
      ...turn([...machine.bridges, ...tags.map(uplinkOf)], power),
      // A bridge that goes down loses the route over it.
      ...(power ? routes(machine) : []),
    ]);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work, work);
    this.#last = done.catch(() => {});
    return done;
  }
}

/** Settings of the kernel that count in each namespace alone. */
function prepare({ namespace, kind }: Machine): Promise<void> {
  return setKernel(namespace, {
    // The inventory knows IPv4 only.
    'net.ipv6.conf.all.disable_ipv6': '1',
    'net.ipv6.conf.default.disable_ipv6': '1',
    'net.ipv4.ip_forward': kind === 'fabric' ? '1' : '0',
    // Within a VLAN nothing is filtered: frames that are only switched must not meet the rules of the router.
    'net.bridge.bridge-nf-call-iptables': '0',
    'net.bridge.bridge-nf-call-ip6tables': '0',
    'net.bridge.bridge-nf-call-arptables': '0',
    // Clients of a load test open many connections to one address.
    ...(kind === 'internet' && {
      'net.ipv4.ip_local_port_range': '1024 65535',
      'net.ipv4.tcp_tw_reuse': '1',
    }),
  });
}

/** Links that are not there yet. */
function making(machine: Machine, links: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const there = links.get(machine.namespace)!;
  return [
    ...machine.bridges
      .filter((bridge) => !there.has(bridge))
      .map((bridge) => {
        const hwaddr = hwaddrOf(machine.namespace, bridge);
        return `link add ${bridge} address ${hwaddr} type bridge forward_delay 0 mcast_snooping 0`;
      }),
    ...machine.cables
      .filter((cable) => !there.has(cable.name) || !links.get(cable.to)!.has(cable.peer))
      .flatMap(({ name, to, peer }) => [
        // Half a cable is left when the other end's namespace was taken away by hand.
        ...(there.has(name) ? [`link del ${name}`] : []),
        `link add ${name} type veth peer name ${peer} netns ${to}`,
      ]),
  ];
}

/** What is set each time: addresses, bridges of the cables, what is switched on. */
function setting(machine: Machine, machines: readonly Machine[]): string[] {
  const arriving = machines.flatMap((one) => one.cables.filter((cable) => cable.to === machine.namespace));
  const plugged = [
    ...machine.cables.map((cable) => ({ link: cable.name, bridge: cable.bridge })),
    ...arriving.map((cable) => ({ link: cable.peer, bridge: cable.peerBridge })),
  ];
  // A node's cables and bridges, and their ends in the router, follow from its plugs.
  const nodes = machines.filter((one) => one.kind === 'node').map((one) => one.namespace);
  const own = machine.cables.filter((cable) => !nodes.includes(cable.to)).map((cable) => cable.name);
  const on = machine.kind === 'node' ? [] : [...machine.bridges, ...own, ...arriving.map(({ peer }) => peer)];
  return [
    'link set lo up',
    ...plugged.flatMap(({ link, bridge }) => (bridge === null ? [] : [`link set ${link} master ${bridge}`])),
    ...machine.addresses.map(({ address, link }) => `addr replace ${address} dev ${link}`),
    ...on.map((link) => `link set ${link} up`),
    ...(machine.kind === 'node' ? [] : routes(machine)),
  ];
}

function routes({ gateway }: Machine): string[] {
  return gateway === null ? [] : [`route replace default via ${gateway}`];
}
