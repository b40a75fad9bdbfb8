import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Server as HttpServer } from 'node:http';
import type { Server } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { siteOf } from '@psa/appliance/inventory/expand';
import { loadInventory } from '@psa/appliance/inventory/load';
import { formatInventoryError } from '@psa/appliance/inventory/problem';
import type { Inventory } from '@psa/appliance/inventory/schema';
import type { Site } from '@psa/appliance/inventory/site-schema';
import { ensureSigningKey } from '@psa/appliance/signing/key-file';
import { ApiSchema } from '@psa/proxmox/schema/api-schema';
import { ApiServer } from './api/server.ts';
import type { LabNode } from './cluster/membership.ts';
import type { LabStatus } from './control.ts';
import { type AssembledLab, createLab } from './create-lab.ts';
import { serveControl } from './daemon/control-server.ts';
import { Fills } from './daemon/fills.ts';
import { apiToken, type NodeCertificate, nodeCertificate, sshKey } from './daemon/identity.ts';
import { NodeShells } from './daemon/node-shell.ts';
import { type OpenPorts, openPorts } from './daemon/ports.ts';
import { grantToken } from './daemon/token-rights.ts';
import { loseDisks } from './guests/lose-disks.ts';
import { nodesBooting, startAll } from './guests/node-power.ts';
import { tidyGuests } from './guests/tidy.ts';
import { LAB_NODES, labInventory } from './inventory/lab-inventory.ts';
import { followInventory } from './network/follow-inventory.ts';
import { forwardInto, forwardOutOf, forwardToSocket } from './network/forward.ts';
import { namespaceOf, OUTSIDE } from './network/topology.ts';
import type { LabSettings } from './settings.ts';

const SITE = 'lab';
/** A lab that runs. */
export interface RunningLab {
  status(): Promise<LabStatus>;
  /** Ends what belongs to this process; containers, wires and disks stay as they are. */
  close(): Promise<void>;
}

/** How a lab is run. */
export interface LabRun {
  /** File of the key that releases and templates are signed with; made where it is not there. */
  readonly signingKey: string;
  /** File with the schema that requests are held against; null: none. */
  readonly schema: string | null;
  readonly say: (line: string) => void;
  /** Told when it was asked to stop and has. */
  readonly onStop: () => void;
}

/** Brings a lab up and answers for it: its API on every node, ssh, the HA manager, the portal, the control socket. */
export async function runLab(
  dir: string,
  settings: LabSettings,
  { schema, signingKey, say, onStop }: LabRun,
): Promise<RunningLab> {
  for (const name of ['run', 'log', 'tmp']) mkdirSync(join(dir, name), { recursive: true, mode: 0o700 });
  const certificates = await identities(dir, settings);
  const file = join(dir, 'appliance.yaml');
  if (!existsSync(file)) {
    const { key } = await ensureSigningKey(signingKey);
    writeFileSync(file, inventoryText(dir, settings, certificates, key.publicKey));
  }
  const { inventory, site } = readInventory(file);
  say('disks and wires');
  const ports = await openPorts(dir, settings, inventory, site);
  const daemon = new Daemon(dir, settings, inventory, site, ports, certificates, schema, say);
  try {
    await daemon.start(onStop);
  } catch (error) {
    await daemon.close();
    throw error;
  }
  return daemon;
}

async function identities(
  dir: string,
  settings: LabSettings,
): Promise<Readonly<Record<string, NodeCertificate>>> {
  await sshKey(join(dir, 'ssh', 'id'), 'psa lab');
  const made: Record<string, NodeCertificate> = {};
  for (const { name, number, address } of LAB_NODES)
    made[name] = await nodeCertificate(dir, name, [`${settings.loopback}.1${number}`, address]);
  return made;
}

function inventoryText(
  dir: string,
  settings: LabSettings,
  certificates: Readonly<Record<string, NodeCertificate>>,
  publicKey: string,
): string {
  return labInventory({
    publicKey,
    folder: dir,
    ...{ loopback: settings.loopback, release: settings.release },
    ...(settings.backupServers && { backupServers: settings.backupServers }),
    ...{ apiPort: settings.apiPort, sshPort: settings.sshPort, sshUser: userInfo().username },
    fingerprints: Object.fromEntries(
      Object.entries(certificates).map(([node, { fingerprint }]) => [node, fingerprint]),
    ),
    portal: `https://127.0.0.1:${settings.portalPort}`,
  });
}

function readInventory(file: string): { inventory: Inventory; site: Site } {
  const loaded = loadInventory(readFileSync(file, 'utf8'), file);
  if (!loaded.ok)
    throw new Error(`Unable to use the inventory: ${loaded.errors.map(formatInventoryError).join('; ')}`);
  return { inventory: loaded.inventory, site: siteOf(loaded.inventory, SITE) };
}

/** All that one process of the lab holds open. */
class Daemon implements RunningLab {
  readonly #dir: string;
  readonly #settings: LabSettings;
  readonly #inventory: Inventory;
  readonly #site: Site;
  readonly #ports: OpenPorts;
  readonly #certificates: Readonly<Record<string, NodeCertificate>>;
  readonly #schema: string | null;
  readonly #say: (line: string) => void;
  readonly #servers = new Map<string, ApiServer>();
  #assembled: AssembledLab | null = null;
  #fills: Fills | null = null;
  #shells: NodeShells | null = null;
  #portal: Server | null = null;
  #control: HttpServer | null = null;
  #unfollow = () => {};

  constructor(
    dir: string,
    settings: LabSettings,
    inventory: Inventory,
    site: Site,
    ports: OpenPorts,
    certificates: Readonly<Record<string, NodeCertificate>>,
    schema: string | null,
    say: (line: string) => void,
  ) {
    this.#dir = dir;
    this.#settings = settings;
    this.#inventory = inventory;
    this.#site = site;
    this.#ports = ports;
    this.#certificates = certificates;
    this.#schema = schema;
    this.#say = say;
  }

  async start(onStop: () => void): Promise<void> {
    const { runtime, volumes, network } = this.#ports;
    const schema = this.#schema === null ? null : ApiSchema.fromFile(this.#schema);
    this.#say(
      schema ? 'requests are held against the schema' : 'no schema: requests are checked by the routes alone',
    );
    this.#assembled = await createLab({
      ...{ name: this.#settings.name, dir: this.#dir, timeFactor: this.#settings.timeFactor },
      nodes: nodesOf(this.#site),
      storages: this.#site.storages.map(({ name, type, shared, content, path, nodes }) => ({
        ...{ name, type, shared, content },
        ...(path === undefined ? {} : { path }),
        ...(nodes === undefined ? {} : { nodes }),
      })),
      ...{ runtime, volumes, network, schema },
      fingerprints: Object.fromEntries(
        Object.entries(this.#certificates).map(([node, { fingerprint }]) => [node, fingerprint]),
      ),
      services: [
        { on: (node) => this.#serveNode(node), off: (node) => this.#closeNode(node) },
        { on: async (node) => this.#shells?.on(node), off: async (node) => this.#shells?.off(node) },
      ],
      log: this.#say,
    });
    const { lab, ha } = this.#assembled;
    this.#fills = new Fills(lab);
    const storages = lab.storages.all.map((one) => one.name);
    grantToken(lab.access, apiToken(this.#dir), this.#inventory.name, storages);
    this.#shells = await NodeShells.open(this.#dir, this.#settings, this.#ports, lab);
    await tidyGuests(lab, this.#say);
    this.#say('nodes');
    for (const { name } of lab.membership.nodes) {
      // A daemon that was killed may have left the one without the other.
      await network.setNode(name, lab.membership.isOn(name));
      if (!lab.membership.isOn(name)) {
        await runtime.killNode(name);
        continue;
      }
      await this.#serveNode(name);
      await this.#shells.on(name);
    }
    if (this.#ports.portal) this.#portal = await this.#ports.portal();
    else await this.#forward();
    const file = join(this.#dir, 'appliance.yaml');
    this.#unfollow = followInventory({ file, read: readInventory, network, say: this.#say });
    ha.start();
    const booting = this.#isNewBoot() ? lab.membership.nodes.map((one) => one.name) : nodesBooting(lab.files);
    for (const name of booting) if (lab.membership.isOn(name)) startAll(lab, name);
    this.#control = await serveControl(join(this.#dir, 'run', 'control.sock'), {
      status: () => this.status(),
      killNode: (node) => lab.power.kill(known(lab, node)),
      startNode: (node) => lab.power.start(known(lab, node)),
      loseDisks: (node) => loseDisks(lab, known(lab, node)),
      partition: (node) => this.#cut(known(lab, node), true),
      heal: async (node) => {
        for (const one of node === null ? lab.network.partitioned() : [known(lab, node)])
          await this.#cut(one, false);
      },
      fillDisk: (node, storage, share) => this.#fills!.set(known(lab, node), storage, share),
      stop: async () => {
        await this.close();
        onStop();
      },
    });
  }

  async status(): Promise<LabStatus> {
    const { lab } = this.#assembled!;
    const { name, runtime, timeFactor, portalPort } = this.#settings;
    const nodes = await Promise.all(
      this.#site.nodes.map(async (node) => ({
        ...{ name: node.name, address: node.address, api: node.api ?? '', ssh: node.ssh ?? '' },
        power: lab.membership.isOn(node.name) ? ('on' as const) : ('off' as const),
        partitioned: lab.network.partitioned().includes(node.name),
        quorate: lab.membership.isQuorate(node.name),
        containers: lab.guests.on(node.name).length,
        running: (await lab.stats.runningOn(node.name)).size,
        filled: this.#fills!.of(node.name),
      })),
    );
    return {
      ...{ name, runtime, timeFactor, folder: this.#dir, pid: process.pid, nodes },
      inventory: join(this.#dir, 'appliance.yaml'),
      conformance: lab.conformance?.report() ?? null,
      portal: `https://127.0.0.1:${portalPort}`,
    };
  }

  async close(): Promise<void> {
    this.#unfollow();
    this.#control?.close();
    this.#portal?.close();
    await this.#assembled?.ha.stop();
    await Promise.all([...this.#servers.keys()].map((node) => this.#closeNode(node)));
    await this.#shells?.close();
  }

  async #serveNode(name: string): Promise<void> {
    const node = this.#site.nodes.find((one) => one.name === name)!;
    const { key, certificate } = this.#certificates[name]!;
    const url = new URL(node.api ?? `https://${node.address}:8006`);
    const socket = join(this.#dir, 'run', `${name}.sock`);
    const server = new ApiServer(
      { node: name, host: url.hostname, port: Number(url.port || 443), socket, key, certificate },
      this.#assembled!.dispatcher,
      join(this.#dir, 'tmp'),
    );
    this.#servers.set(name, server);
    await server.start();
    // What comes from inside the lab reaches the node by its own address.
    if (this.#settings.runtime === 'lxc')
      await forwardOutOf({
        namespace: namespaceOf(this.#settings.name, name),
        ...{ socket, pidFile: join(this.#dir, 'run', `${name}.socat`) },
        listen: { host: node.address, port: 8006 },
      });
  }

  async #closeNode(name: string): Promise<void> {
    await this.#servers.get(name)?.stop();
    this.#servers.delete(name);
  }

  /** The portal: a port of the machine that leads to the outside of the lab's router. */
  async #forward(): Promise<void> {
    const socket = join(this.#dir, 'run', 'portal.sock');
    await forwardInto({
      namespace: namespaceOf(this.#settings.name, 'internet'),
      ...{ socket, pidFile: join(this.#dir, 'run', 'portal.socat') },
      to: { host: OUTSIDE, port: 443 },
    });
    this.#portal = await forwardToSocket({ host: '127.0.0.1', port: this.#settings.portalPort }, socket);
  }

  async #cut(node: string, away: boolean): Promise<void> {
    const { lab } = this.#assembled!;
    await (away ? lab.network.partition(node) : lab.network.heal(node));
    await lab.membership.refresh();
  }

  /** Whether the machine has booted since the lab was last up: then its nodes have, too. */
  #isNewBoot(): boolean {
    const file = join(this.#dir, 'run', 'boot');
    const now = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
    const before = existsSync(file) ? readFileSync(file, 'utf8') : null;
    writeFileSync(file, now);
    return before !== null && before !== now;
  }
}

const nodesOf = (site: Site): readonly LabNode[] =>
  site.nodes.map(({ name, address, cores, memory_mb }, index) => ({
    ...{ name, address, cores, memoryMb: memory_mb, id: index + 1 },
  }));

function known(lab: AssembledLab['lab'], node: string): string {
  if (lab.membership.has(node)) return node;
  const names = lab.membership.nodes.map((one) => one.name).join(', ');
  throw new Error(`The lab has no node "${node}". It has: ${names}.`);
}

/** Ends everything that a lab has on the machine: containers, wires, disks. Its daemon must not run. */
export async function removeLab(
  dir: string,
  settings: LabSettings,
  say: (line: string) => void,
): Promise<void> {
  const { inventory, site } = readInventory(join(dir, 'appliance.yaml'));
  const ports = await openPorts(dir, settings, inventory, site);
  say('containers, wires and disks');
  await NodeShells.remove(dir, settings, ports, nodesOf(site));
  await ports.remove();
}
