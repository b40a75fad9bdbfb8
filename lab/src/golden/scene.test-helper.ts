import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadInventory } from '@psa/appliance/inventory/load';
import { ApiSchema } from '@psa/proxmox/schema/api-schema';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { backupBase } from '../api/backup/archive-name.ts';
import { ApiServer } from '../api/server.ts';
import { hashOf } from '../cluster/access.ts';
import { type AssembledLab, createLab } from '../create-lab.ts';
import { nodeCertificate } from '../daemon/identity.ts';
import { startGuest } from '../guests/actions.ts';
import type { HaDriver } from '../ha/driver.ts';
import type { Lab } from '../lab.ts';
import { NullNetwork } from '../network/null-network.ts';
import { type Answer, ask, type Body } from './asking.test-helper.ts';
import { FolderStore, RememberedGuests } from './stand-ins.test-helper.ts';

const ROOT = join(import.meta.dirname, '../../..');
const NODES = ['pve1', 'pve2', 'pve3'] as const;
/** Tokens of the two callers. */
export const SECRETS: Readonly<Record<string, string>> = {
  'root@pam!full': 'aaaaaaaa-0000-4000-8000-000000000001',
  'ops@pve!psactl': 'aaaaaaaa-0000-4000-8000-000000000002',
};

/** Tokens that some recordings make for themselves. */
const LATER: Readonly<Record<string, string>> = { 'carol@pve!ci': 'carol' };

/** Who asked in the exchanges that were recorded as `other`. */
const OTHERS: Readonly<Record<string, string | null>> = {
  noauth: null,
  'bad token': 'PVEAPIToken=root@pam!full=aaaaaaaa-0000-4000-8000-00000000dead',
  'unknown token': 'PVEAPIToken=root@pam!nope=aaaaaaaa-0000-4000-8000-00000000dead',
  'bad login': null,
};

/** Bodies that the recording does not hold. */
const BODIES: Readonly<Record<string, Body>> = {
  'upload vztmpl multipart': filePart('up_1.0_amd64.tar.zst'),
  'upload via other node': filePart('up_1.0_amd64.tar.zst'),
  'upload bad name': filePart('up.txt'),
  'json body': {
    type: 'application/json',
    text: JSON.stringify({
      ...{ vmid: 151, ostemplate: 'shared:vztmpl/mini_2.0_amd64.tar.zst', rootfs: 'shared:0.1' },
      ...{ unprivileged: 1, memory: 64 },
    }),
  },
};

function filePart(name: string): Body {
  const part = (key: string, more: string, value: string) =>
    `--xx\r\nContent-Disposition: form-data; name="${key}"${more}\r\n\r\n${value}\r\n`;
  return {
    type: 'multipart/form-data; boundary=xx',
    text: `${part('content', '', 'vztmpl')}${part('filename', `; filename="${name}"`, '12345678')}--xx--\r\n`,
  };
}

/** The cluster of the recording, made of the lab: three nodes, two storages, two callers, two templates. */
export class Scene {
  readonly lab: Lab;
  readonly ha: HaDriver;
  /** Of the certificate that all nodes show. */
  readonly fingerprint: string;
  readonly runtime: RememberedGuests;
  /** What the HA manager wrote. */
  haLog: readonly string[] = [];
  readonly #servers: ReadonlyMap<string, ApiServer>;
  readonly #folder: TempDir;
  #release: () => void = () => undefined;

  private constructor(
    { lab, ha }: AssembledLab,
    runtime: RememberedGuests,
    servers: ReadonlyMap<string, ApiServer>,
    folder: TempDir,
    fingerprint: string,
  ) {
    this.lab = lab;
    this.ha = ha;
    this.runtime = runtime;
    this.#servers = servers;
    this.#folder = folder;
    this.fingerprint = fingerprint;
  }

  static async open(): Promise<Scene> {
    const folder = await tempDir('golden');
    const dir = folder.path;
    const network = new NullNetwork();
    const loaded = loadInventory(await readFile(join(ROOT, 'appliance.yaml'), 'utf8'), 'appliance.yaml');
    if (!loaded.ok) throw new Error('the example inventory does not load');
    await network.up(loaded.inventory, loaded.inventory.sites[0]!);
    const runtime = new RememberedGuests();
    const volumes = new FolderStore({
      folder: dir,
      nodes: NODES,
      storages: [
        { name: 'local', shared: false, sizeBytes: 1 },
        { name: 'shared', shared: true, sizeBytes: 1 },
      ],
    });
    const content = ['backup', 'images', 'import', 'iso', 'rootdir', 'snippets', 'vztmpl'];
    const servers = new Map<string, ApiServer>();
    const haLog: string[] = [];
    const assembled = await createLab({
      ...{ name: 'lab', dir, timeFactor: 0.01, runtime, volumes, network },
      nodes: NODES.map((name, index) => ({
        ...{ name, id: index + 1, address: `10.99.0.1${index + 1}`, cores: 2, memoryMb: 24_105 },
      })),
      storages: [
        { name: 'local', type: 'dir', shared: false, content, path: '/var/lib/vz' },
        {
          name: 'shared',
          type: 'dir',
          shared: true,
          content,
          path: '/mnt/shared',
          pruneBackups: 'keep-last=3',
        },
      ],
      schema: ApiSchema.fromFile(join(ROOT, '../shared/pve/apidoc.json')),
      log: (line) => haLog.push(line),
      // A node without power has no API.
      services: [{ on: async () => undefined, off: async (node) => servers.get(node)?.stop() }],
      fingerprints: Object.fromEntries(NODES.map((name) => [name, '1C:72:E0'])),
    });
    const { key, certificate, fingerprint } = await nodeCertificate(dir, 'pve1', ['127.0.0.1']);
    for (const node of NODES) {
      const server = new ApiServer(
        { node, host: '127.0.0.1', port: 0, socket: null, key, certificate },
        assembled.dispatcher,
        join(dir, 'tmp'),
      );
      await server.start();
      servers.set(node, server);
    }
    const scene = new Scene(assembled, runtime, servers, folder, fingerprint);
    scene.haLog = haLog;
    scene.#grant();
    await scene.#templates();
    return scene;
  }

  async close(): Promise<void> {
    await this.ha.stop();
    await Promise.all([...this.#servers.values()].map((server) => server.stop()));
    await this.#folder.remove();
  }

  /** Where the API of a node is. */
  port(node: string): number {
    return this.#servers.get(node)!.port!;
  }

  /** Asks as root's token. @returns what stands in `data` @throws with the reason of a refusal */
  async data(method: string, path: string, params?: Record<string, string | number>): Promise<unknown> {
    const answer = await this.ask(method, path, 'root@pam!full', '', { params });
    if (answer.status !== 200) throw new Error(`${answer.status} ${answer.reason}`);
    return (answer.body as { data: unknown }).data;
  }

  /** Asks for a task and waits for its end. @returns its exit status */
  async task(method: string, path: string, params?: Record<string, string | number>): Promise<string> {
    return this.lab.tasks.wait(String(await this.data(method, path, params)));
  }

  /** Asks as one of the recorded callers did. */
  ask(
    method: string,
    path: string,
    as: string,
    name = '',
    params?: Parameters<typeof ask>[3],
  ): Promise<Answer> {
    const secret = SECRETS[as] ?? LATER[as];
    const authorization = secret === undefined ? (OTHERS[name] ?? null) : `PVEAPIToken=${as}=${secret}`;
    const body = BODIES[name];
    return ask(this.port('pve1'), method, path, {
      ...{ authorization, ...params },
      ...(body ? { body } : {}),
    });
  }

  /** What happened on the recorded cluster between two recordings, and was not recorded. */
  async before(file: string, index: number): Promise<void> {
    // A conversion to a template was not done yet when the next request came, and was when the second one came.
    if (file === '01-lxc' && index === 30) {
      const { volumes } = this.lab;
      const copy = volumes.copy.bind(volumes);
      const released = new Promise<void>((done) => (this.#release = done));
      volumes.copy = (from, to) => released.then(() => copy(from, to));
    }
    if (file === '01-lxc' && index === 32) this.#release();
    if (file === '02-backup-perm' && index === 10) await this.#sameSecond('101');
    if (file === '02-backup-perm' && index === 44)
      await this.#make(130, 'local:vztmpl/mini_1.0_amd64.tar.zst');
    if (file === '03-running-ha' && index === 0) {
      this.lab.guests.update('pve1', 101, (conf) => {
        delete conf.values.lock;
      });
      this.runtime.deaf.add(101).add(140);
      await startGuest(this.lab, 'pve1', 101);
      await this.template('shared', 'mini_2.0_amd64.tar.zst');
      await this.template('local', 'mini_2.0_amd64.tar.zst');
    }
    // Its directory was missing when the third recording was made, and there for the fourth.
    if (file === '03-running-ha' && index === 29) this.lab.files.remove('jobs.json');
    if (file === '06-node-failure' && index === 0) await this.#fail();
    if (file === '06-node-failure' && index === 11) await this.#failOver();
  }

  /** The recorder made two backups within one second: the first gets the name of this one. */
  async #sameSecond(vmid: string): Promise<void> {
    const folder = await this.lab.volumes.folder('pve1', 'shared', 'backup');
    for (const name of await readdir(folder))
      if (name.startsWith(`vzdump-lxc-${vmid}-`) && name.endsWith('.tar.gz'))
        await rename(join(folder, name), join(folder, `${backupBase(Number(vmid), new Date())}.tar.gz`));
  }

  async #fail(): Promise<void> {
    const { lab } = this;
    await this.lab.actions.migrate('pve2', 150, 'pve3');
    await lab.actions.start('pve3', 150);
    lab.ha.edit('pve1', '', (state) => {
      state.resources['ct:150'] = { state: 'started', maxRestart: 1, maxRelocate: 1, failback: true };
    });
    Object.assign(lab.ha.read(), {
      nodes: { pve1: 'online', pve2: 'online', pve3: 'fence' },
      services: {
        'ct:101': { state: 'stopped', node: 'pve1', uid: 'a' },
        'ct:150': { state: 'fence', node: 'pve3', uid: 'b' },
      },
    });
    await lab.power.kill('pve3');
  }

  async #failOver(): Promise<void> {
    const { lab } = this;
    lab.actions.steal(150, 'pve3', 'pve1');
    await lab.actions.start('pve1', 150);
    Object.assign(lab.ha.read().services['ct:150']!, { state: 'started', node: 'pve1', running: true });
  }

  #grant(): void {
    const { access } = this.lab;
    for (const [id, secret] of Object.entries(SECRETS)) {
      const [userid, name] = id.split('!') as [string, string];
      access.addToken(userid, name, { privsep: false, secret });
    }
    access.addToken('ops@pve', 't2', { privsep: false });
    access.update((data) => {
      data.users['ops@pve'] = { ...data.users['ops@pve']!, hash: hashOf('right') };
      for (const [path, roleid] of [
        ['/vms', 'PVEVMAdmin'],
        ['/storage', 'PVEDatastoreAdmin'],
        ['/sdn', 'PVESDNUser'],
        ['/access', 'PVEUserAdmin'],
      ] as const)
        data.acl.push({ path, roleid, type: 'user', ugid: 'ops@pve', propagate: true });
    });
  }

  async #templates(): Promise<void> {
    await this.template('local', 'mini_1.0_amd64.tar.zst');
  }

  /** A root file system with nothing in it but what tells its kind. */
  async template(storage: string, name: string): Promise<void> {
    const source = join(this.#folder.path, 'mini');
    await mkdir(join(source, 'etc'), { recursive: true });
    await writeFile(join(source, 'etc/alpine-release'), '3.20.0\n');
    await writeFile(join(source, 'etc/filling'), 'x'.repeat(1_100_000));
    const folder = await this.lab.volumes.folder('pve1', storage, 'vztmpl');
    execFileSync('tar', ['-cf', join(folder, name), '--zstd', '-C', source, '.']);
  }

  async #make(vmid: number, ostemplate: string): Promise<void> {
    const answer = await this.ask('POST', '/nodes/pve1/lxc', 'root@pam!full', '', {
      params: { vmid, ostemplate, rootfs: 'shared:0.1', unprivileged: 1, features: 'nesting=1', memory: 64 },
    });
    await this.lab.tasks.wait((answer.body as { data: string }).data);
  }
}
