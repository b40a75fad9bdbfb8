import { join } from 'node:path';
import type { LabNode } from '../cluster/membership.ts';
import type { PoweredService } from '../guests/node-power.ts';
import { nameOf } from '../guests/values.ts';
import type { Lab } from '../lab.ts';
import { namespaceOf } from '../network/topology.ts';
import type { LabSettings } from '../settings.ts';
import { NodeSsh } from '../ssh/node-ssh.ts';
import { type PctCluster, PctServer } from '../ssh/pct-server.ts';
import type { OpenPorts } from './ports.ts';

/** Unlocking is `pct`'s alone: the API cannot. */
const pctCluster = (lab: Lab): PctCluster => ({
  guests: async (node) =>
    lab.guests.on(node).map(({ vmid }) => {
      const { values } = lab.guests.load(node, vmid).conf;
      return { id: vmid, hostname: nameOf(vmid, values), lock: values.lock ?? null };
    }),
  unlock: async (node, vmid) => {
    lab.membership.requireQuorum(node);
    await lab.locks.guest(vmid, () => {
      lab.guests.update(node, vmid, (conf) => {
        delete conf.values.lock;
      });
    });
  },
  pathOf: async (node, volid) => {
    const [, storage, content, name] = /^([^:/]+):(backup)\/([^/]+)$/.exec(volid) ?? [];
    if (storage === undefined || content === undefined || name === undefined)
      throw new Error(`unable to parse volume ID '${volid}'`);
    // Like the real one, without a look whether there is one.
    return join(await lab.volumes.folder(node, lab.storages.onNode(node, storage).name, 'backup'), name);
  },
});

const socketOf = (dir: string, node: string) => join(dir, 'run', `${node}.pct.sock`);

/** On a node's loopback address for programs of the machine, and on its own address inside the lab. */
function sshOf(dir: string, settings: LabSettings, ports: OpenPorts, nodes: readonly LabNode[]): NodeSsh {
  const { loopback, sshPort, runtime, name: lab } = settings;
  return new NodeSsh(
    dir,
    nodes.map(({ name, id, address }) => ({
      ...{ name, socket: socketOf(dir, name), direct: ports.direct(name) },
      listen: [
        { address: `${loopback}.1${id}`, port: sshPort, namespace: null },
        ...(runtime === 'lxc' ? [{ address, port: 22, namespace: namespaceOf(lab, name) }] : []),
      ],
    })),
  );
}

/** Ways into the nodes by ssh: sshd on the node's addresses, and what its `pct` asks. */
export class NodeShells implements PoweredService {
  readonly #ssh: NodeSsh;
  readonly #servers: ReadonlyMap<string, PctServer>;

  private constructor(ssh: NodeSsh, servers: ReadonlyMap<string, PctServer>) {
    this.#ssh = ssh;
    this.#servers = servers;
  }

  static async open(dir: string, settings: LabSettings, ports: OpenPorts, lab: Lab): Promise<NodeShells> {
    const ssh = sshOf(dir, settings, ports, lab.membership.nodes);
    await ssh.prepare();
    const cluster = pctCluster(lab);
    const servers = lab.membership.nodes.map(({ name }) => {
      const options = {
        node: name,
        socket: socketOf(dir, name),
        cluster,
        runtime: lab.runtime,
      };
      return [name, new PctServer(options)] as const;
    });
    return new NodeShells(ssh, new Map(servers));
  }

  /** Ends the sshd of every node, whoever started it. */
  static async remove(
    dir: string,
    settings: LabSettings,
    ports: OpenPorts,
    nodes: readonly LabNode[],
  ): Promise<void> {
    const ssh = sshOf(dir, settings, ports, nodes);
    for (const { name } of nodes) await ssh.stop(name, { sessions: true });
  }

  async on(node: string): Promise<void> {
    await this.#servers.get(node)?.listen();
    await this.#ssh.start(node);
  }

  async off(node: string): Promise<void> {
    await this.#ssh.stop(node, { sessions: true });
    await this.#servers.get(node)?.close();
  }

  /** Ends what belongs to this process; sshd and its sessions go on. */
  async close(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.close()));
  }
}
