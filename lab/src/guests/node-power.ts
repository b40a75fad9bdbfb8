import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab, NodePower } from '../lab.ts';
import { startGuest } from './actions.ts';
import { removeBackupLocks } from './boot.ts';
import { isTemplate } from './values.ts';

/** What else goes on and off with a node's power: its API, its sshd. */
export interface PoweredService {
  on(node: string): Promise<void>;
  off(node: string): Promise<void>;
}

const FILE = 'power.json';

/** Nodes that have booted and not started all of their containers yet. */
const BOOTING = 'booting.json';

/** Nodes that were off when the daemon ended. */
export const nodesOff = (files: Lab['files']): readonly string[] => files.readJson<string[]>(FILE, []);

/** Nodes that were starting their containers when the daemon ended. */
export const nodesBooting = (files: Lab['files']): readonly string[] => files.readJson<string[]>(BOOTING, []);

function setBooting(files: Lab['files'], node: string, booting: boolean): void {
  const others = nodesBooting(files).filter((one) => one !== node);
  files.writeJson(BOOTING, booting ? [...others, node] : others);
}

/** Switches nodes off and on. */
export class Power implements NodePower {
  readonly #lab: () => Lab;
  readonly #services: readonly PoweredService[];
  /** Changes of one node wait for one another. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(lab: () => Lab, services: readonly PoweredService[]) {
    this.#lab = lab;
    this.#services = services;
  }

  kill(node: string): Promise<void> {
    return this.#inTurn(async () => {
      const lab = this.#lab();
      if (!lab.membership.isOn(node)) return;
      lab.membership.setPower(node, false);
      this.#save();
      await Promise.all([
        lab.network.setNode(node, false),
        lab.runtime.killNode(node),
        lab.tasks.abortNode(node),
        ...this.#services.map((service) => service.off(node)),
      ]);
      await lab.membership.refresh();
    });
  }

  start(node: string): Promise<void> {
    return this.#inTurn(async () => {
      const lab = this.#lab();
      if (lab.membership.isOn(node)) return;
      await lab.network.setNode(node, true);
      lab.membership.setPower(node, true);
      this.#save();
      await lab.membership.refresh();
      for (const service of this.#services) await service.on(node);
      startAll(lab, node);
    });
  }

  /** A watchdog's bite: off at once, and up again when the machine has booted. */
  async reset(node: string): Promise<void> {
    await this.kill(node);
    await sleep(BOOT_MS * this.#lab().timeFactor);
    await this.start(node);
  }

  #save(): void {
    const { membership, files } = this.#lab();
    files.writeJson(
      FILE,
      membership.nodes.map((one) => one.name).filter((name) => !membership.isOn(name)),
    );
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

/** How long a server takes to boot. */
const BOOT_MS = 60_000;

/** What a node does when it has booted: containers with `onboot` start. Those of the HA manager are its own affair. */
export function startAll(lab: Lab, node: string): string {
  setBooting(lab.files, node, true);
  return lab.tasks.start({ node, type: 'startall', id: '', user: 'root@pam' }, async (task) => {
    // Without quorum nothing starts; a node that has just booted finds the others first.
    while (!lab.membership.isQuorate(node)) await sleep(200, undefined, { signal: task.signal });
    await removeBackupLocks(lab, node, (line) => task.log(line));
    const waiting = lab.guests
      .on(node)
      .map((guest) => ({ ...guest, values: lab.guests.load(node, guest.vmid).conf.values }))
      .filter(
        ({ vmid, values }) => values.onboot === '1' && !isTemplate(values) && lab.ha.guest(vmid) === null,
      )
      .sort((a, b) => order(a.values.startup) - order(b.values.startup) || a.vmid - b.vmid);
    for (const { vmid } of waiting) {
      task.signal.throwIfAborted();
      if (await lab.stats.isRunning(node, vmid)) continue;
      task.log(`Starting CT ${vmid}`);
      const started = lab.tasks.run({ node, type: 'vzstart', id: String(vmid), user: 'root@pam' }, () =>
        startGuest(lab, node, vmid),
      );
      await started.catch((error: Error) => task.warn(`CT ${vmid}: ${error.message}`));
    }
    setBooting(lab.files, node, false);
  });
}

const order = (startup: string | undefined): number => {
  const named = /(?:^|,)(?:order=)?(\d+)/.exec(startup ?? '')?.[1];
  return named === undefined ? 10_000 : Number(named);
};
