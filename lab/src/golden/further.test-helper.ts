import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Exchange } from '@psa/proxmox/golden.test-helper';
import { hashOf } from '../cluster/access.ts';
import { type GuestValues, newConf } from '../cluster/guest-conf.ts';
import { startGuest } from '../guests/actions.ts';
import { volumesOf } from '../guests/disks.ts';
import type { Replay } from './replay.test-helper.ts';
import type { Scene } from './scene.test-helper.ts';

/** Exchanges that were recorded one by one, and the state of the cluster before them. */
export interface Further {
  readonly given: string;
  readonly exchanges: readonly Exchange[];
}

const FILE = join(import.meta.dirname, '../../../../shared/pve/golden/09-further.json');

export const further = JSON.parse(readFileSync(FILE, 'utf8')) as readonly Further[];

const PLAIN: GuestValues = {
  ...{ arch: 'amd64', cores: '1', memory: '64', swap: '0', ostype: 'alpine', unprivileged: '1' },
};

/** Puts a container there as its configuration says, with the disks that it names. */
async function guest(scene: Scene, node: string, vmid: number, values: GuestValues = {}): Promise<void> {
  const { lab } = scene;
  if (lab.guests.nodeOf(vmid) !== null) lab.guests.remove(lab.guests.nodeOf(vmid)!, vmid);
  const rootfs = `shared:${vmid}/vm-${vmid}-disk-0.raw,size=102M`;
  const conf = newConf({ ...PLAIN, hostname: `ct${vmid}`, rootfs, ...values });
  for (const volume of volumesOf(lab, conf)) {
    await lab.volumes.remove(node, volume);
    await lab.volumes.create(node, volume, { archive: null, unprivileged: true, sizeBytes: 2 ** 20 });
  }
  lab.guests.save(node, vmid, conf);
}

/** Guests that the HA manager has. */
async function managed(scene: Scene, places: Readonly<Record<number, string>>): Promise<void> {
  for (const [id, node] of Object.entries(places)) {
    await guest(scene, node, Number(id));
    await scene.data('POST', '/cluster/ha/resources', { sid: `ct:${id}`, state: 'started' });
    await startGuest(scene.lab, node, Number(id));
  }
}

const rule = (scene: Scene, name: string, params: Record<string, string | number>) =>
  scene.data('POST', '/cluster/ha/rules', { rule: name, ...params });

/** What the recording does not show of container 300: it had been worked on for long. */
const WORN: GuestValues = {
  ...{ arch: 'amd64', cmode: 'shell', console: '1', cpuunits: '200', features: 'nesting=1', tty: '1' },
  ...{ hostname: 'app-300', nameserver: '10.50.0.1 10.50.0.2', onboot: '1', ostype: 'alpine' },
  ...{ searchdomain: 'lab.example', startup: 'order=5,up=10,down=20', timezone: 'UTC', unprivileged: '1' },
};

const disk = (storage: string, number: number, rest: string) =>
  `${storage}:300/vm-300-disk-${number}.raw,${rest}`;

/** Makes what each recording takes for given, in the order of the file. */
export const before: readonly ((scene: Scene, replay: Replay) => Promise<unknown>)[] = [
  async (scene) => {
    await managed(scene, { 501: 'pve1', 502: 'pve1' });
    await rule(scene, 'two', { type: 'node-affinity', resources: 'ct:501', nodes: 'pve2:1,pve3:5' });
  },
  async (scene) => {
    await managed(scene, { 530: 'pve1', 531: 'pve2' });
    const pair = { type: 'resource-affinity', resources: 'ct:530,ct:531', affinity: 'negative' };
    await rule(scene, 'apart', pair);
    await rule(scene, 'pin', { type: 'node-affinity', resources: 'ct:530', nodes: 'pve1', strict: 1 });
  },
  async () => undefined,
  (scene) => managed(scene, { 150: 'pve3' }),
  async () => undefined,
  async ({ lab }) =>
    lab.access.update((data) => {
      const token = { privsep: true, expire: 0, hash: hashOf('carol') };
      data.users['carol@pve'] = { enable: true, expire: 0, groups: [], tokens: { ci: token } };
    }),
  async () => undefined,
  async (scene) => {
    await guest(scene, 'pve1', 300, {
      ...{ ...WORN, cores: '2', cpulimit: '1', memory: '16', swap: '0', tags: 'live' },
      ...{ description: 'now running\n', rootfs: disk('shared', 0, 'size=122M') },
      mp0: disk('shared', 1, 'mp=/srv/data,backup=1,size=64M'),
      mp2: disk('local', 0, 'mp=/opt/x,size=20M'),
      mp3: disk('local', 1, 'mp=/opt/x,size=20M'),
      mp4: disk('local', 2, 'mp=opt/y,size=20M'),
    });
    await startGuest(scene.lab, 'pve1', 300);
  },
  (scene) => guest(scene, 'pve1', 700),
  (scene) => guest(scene, 'pve1', 700),
  async (scene) => {
    await scene.runtime.stop('pve1', 300);
    await guest(scene, 'pve1', 300, {
      ...{ ...WORN, cores: '1', cpulimit: '0.5', memory: '128', swap: '32' },
      description: 'line one\nline two: ü <b>\n',
      rootfs: disk('shared', 0, 'size=102M'),
      mp0: disk('shared', 1, 'mp=/srv/data,backup=1,size=51M'),
      mp1: disk('local', 0, 'mp=/srv/cache,backup=0,size=51M'),
      net0: 'name=eth0,bridge=vmbr0,firewall=1,gw=10.50.0.1,hwaddr=BC:24:11:AA:BB:01,ip=10.50.0.30/24,type=veth',
    });
  },
  stoppedBackups,
  async () => undefined,
  async (scene) => {
    await guest(scene, 'pve1', 300);
    await scene.data('POST', '/cluster/backup', {
      id: 'j1',
      schedule: '02:00',
      vmid: '300',
      storage: 'shared',
    });
    await scene.task('DELETE', '/nodes/pve1/lxc/300', { purge: 1 });
  },
  async (scene, replay) => {
    await guest(scene, 'pve1', 310);
    await scene.task('POST', '/nodes/pve1/vzdump', { vmid: 310, storage: 'shared', compress: 'zstd' });
    const content = (await scene.data('GET', '/nodes/pve1/storage/shared/content', {
      content: 'backup',
      vmid: 310,
    })) as readonly { volid: string }[];
    replay.name('vzdump-lxc-310-2026_11_21-11_16_47.tar.zst', content[0]!.volid.split('/')[1]!);
  },
];

/** Two backups that were stopped: one while it wrote its archive, the other before it had begun. */
async function stoppedBackups(scene: Scene, replay: Replay): Promise<void> {
  const { lab } = scene;
  await guest(scene, 'pve1', 600);
  // So slow that there is time to stop it.
  const params = { vmid: 600, storage: 'shared', bwlimit: 1 };
  const root = await lab.volumes.path('pve1', { storage: 'shared', name: 'vm-600-disk-0' });
  writeFileSync(join(root, 'filling'), 'x'.repeat(1_000_000));
  const upid = String(await scene.data('POST', '/nodes/pve1/vzdump', params));
  while (!lab.tasks.lines(upid)!.some((line) => line.includes('creating vzdump archive'))) await sleep(10);
  await scene.data('DELETE', `/nodes/pve1/tasks/${encodeURIComponent(upid)}`);
  const early = { node: 'pve1', type: 'vzdump', id: '601', user: 'root@pam!full', ends: 'killed' } as const;
  await lab.tasks.abort(lab.tasks.start(early, () => new Promise(() => undefined)));
  replay.name('UPID:pve1:00000149:000ACD13:6B017F7E:vzdump:600:root@pam!full:', upid);
}
