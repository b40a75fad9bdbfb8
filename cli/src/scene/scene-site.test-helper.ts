import { example } from '@psa/appliance/inventory/example.test-helper';
import { expand } from '@psa/appliance/inventory/expand';
import { grantToken } from '@psa/lab/daemon/token-rights';
import { Scene, SECRETS } from '@psa/lab/golden/scene.test-helper';
import type { ProxmoxClient } from '@psa/proxmox/client/client';
import { type Clock, systemClock } from '@psa/proxmox/client/clock';
import type { EngineOptions } from '@psa/proxmox/client/engine';
import type { PctShell } from '@psa/proxmox/ssh';
import { tempDir } from '@psa/test-kit/temp-dir';
import type { Progress } from '../progress.ts';
import { SiteFolder } from '../site/folder.ts';
import type { OpenSite } from '../site/site.ts';

const NODES = ['pve1', 'pve2', 'pve3'];
const TOKEN = { userid: 'psactl@pve', name: 'psactl', secret: 'the-token-of-psactl' };

/** Who asks: root without bounds, or psactl as the playbook makes it. */
export const CALLERS = {
  root: { tokenId: 'root@pam!full', secret: SECRETS['root@pam!full']! },
  psactl: { tokenId: `${TOKEN.userid}!${TOKEN.name}`, secret: TOKEN.secret },
} as const;

export const silent: Progress = { start() {}, advance() {}, note() {}, end() {} };

/** The lab's tasks take no time, so who waits for them looks often. */
const hasty: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 20, signal) };

/** ssh to containers whose every command ends well: what is in them is not asked here. */
const willing = {
  exec: async () => ({ code: 0, stdout: 'running\n', stderr: '' }),
  execEach: async (_: string, commands: ReadonlyMap<number, unknown>) =>
    new Map([...commands.keys()].map((id) => [id, { code: 0, stdout: '', stderr: '' }])),
  console: async () => '',
  close: async () => undefined,
} as unknown as PctShell;

/** The lab's API in this process, and a site on it: the example's nodes, with two storages that are folders. */
export class SceneSite {
  readonly scene: Scene;
  readonly #folder: Awaited<ReturnType<typeof tempDir>>;
  readonly #clients: ProxmoxClient[] = [];

  private constructor(scene: Scene, folder: Awaited<ReturnType<typeof tempDir>>) {
    this.scene = scene;
    this.#folder = folder;
  }

  static async open(): Promise<SceneSite> {
    const scene = await Scene.open();
    grantToken(scene.lab.access, TOKEN, 'psa', ['local', 'shared']);
    scene.ha.start();
    return new SceneSite(scene, await tempDir('scene-site'));
  }

  /** The site, asked by a client of this kind. */
  site(
    Client: new (options: EngineOptions) => ProxmoxClient,
    caller: keyof typeof CALLERS,
    more: Partial<EngineOptions> = {},
  ): OpenSite {
    const inventory = example();
    const [site] = inventory.sites;
    const content = ['rootdir' as const, 'vztmpl' as const, 'backup' as const];
    site!.storages = [
      { name: 'local', type: 'dir', shared: false, content, path: '/var/lib/vz' },
      { name: 'shared', type: 'dir', shared: true, content, path: '/mnt/shared' },
    ];
    for (const group of inventory.containers) if (group.storage === 'local-lvm') group.storage = 'local';
    const client = new Client({
      endpoints: NODES.map((node) => ({
        ...{ node, host: '127.0.0.1', port: this.scene.port(node) },
        fingerprints: [this.scene.fingerprint],
      })),
      credentials: CALLERS[caller],
      clock: hasty,
      ...more,
    });
    this.#clients.push(client);
    return {
      ...{ file: 'appliance.yaml', inventory, site: site!, client, shell: willing },
      containers: expand(inventory, site!),
      folder: new SiteFolder(this.#folder.path),
      path: (named) => named,
      close: async () => undefined,
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.scene.close();
    await this.#folder.remove();
  }
}
