import { copyFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Step } from '@psa/appliance/plan/step';
import { checksum } from '@psa/lxc-templates/manifest';
import { ProxmoxClient } from '@psa/proxmox/client/client';
import type { RequestOptions } from '@psa/proxmox/client/engine';
import { schema8, schema9 } from '@psa/proxmox/golden.test-helper';
import type { Params } from '@psa/proxmox/schema/api-schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as containers from '../apply/container-steps.ts';
import { desire } from '../apply/desire.ts';
import * as ha from '../apply/ha-steps.ts';
import { observe } from '../apply/observe.ts';
import { examine } from '../doctor/examine.ts';
import { trial } from '../doctor/trial.ts';
import { Cluster } from '../site/cluster.ts';
import type { OpenSite } from '../site/site.ts';
import { siteStatus } from '../status/site-status.ts';
import { SceneSite, silent } from './scene-site.test-helper.ts';

/** A server of 8.4, as far as the lab's 9 differs from one: its version, and groups in place of rules. */
class Eight extends ProxmoxClient {
  readonly #groups = new Map<string, Params>();

  override async request<T>(
    method: string,
    path: string,
    params: Params = {},
    options?: RequestOptions,
  ): Promise<T> {
    expect(schema8.check(method, path, params), `${method} ${path}`).toMatchObject({ kind: 'valid' });
    if (path.endsWith('/version')) return { version: '8.4.1', release: '8.4' } as T;
    if (path.startsWith('/cluster/ha/groups')) {
      const name = String(params.group ?? decodeURIComponent(path.split('/').at(-1)!));
      if (method === 'GET') return [...this.#groups].map(([group, more]) => ({ ...more, group })) as T;
      if (method === 'DELETE') this.#groups.delete(name);
      else this.#groups.set(name, { ...this.#groups.get(name), ...params });
      return null as T;
    }
    const { group: _, ...others } = params;
    return super.request<T>(method, path, others, options);
  }
}

const RELEASES = [
  { version: '8.4', Client: Eight, schema: schema8, way: 'groups' },
  { version: '9', Client: ProxmoxClient, schema: schema9, way: 'rules' },
] as const;

describe.each(RELEASES)('what psactl sends to Proxmox VE $version', ({ version, Client, schema, way }) => {
  let scene: SceneSite;
  let site: OpenSite;
  /** `POST /nodes/{node}/lxc` → how often. */
  const sent = new Map<string, number>();
  const signal = new AbortController().signal;

  beforeAll(async () => {
    scene = await SceneSite.open();
    // A request that does not fit is not sent, and an error.
    site = scene.site(Client, 'root', {
      schema,
      onExchange({ method, path }) {
        const key = `${method} ${schema.find(method, path)?.template ?? path}`;
        sent.set(key, (sent.get(key) ?? 0) + 1);
      },
    });
  });
  afterAll(() => scene.close());

  it('fits its schema, whatever is done', async () => {
    const desired = await desire(site, { recreate: [], removeData: false });
    const cluster = new Cluster(site, signal);
    const look = () => observe(cluster, desired, { journal: [], inside: false });
    const { release } = await look();
    expect(release.ha).toBe(way);
    await scene.scene.template('local', 'any.tar.zst');
    const folder = await scene.scene.lab.volumes.folder('pve1', 'local', 'vztmpl');
    const work = {
      ...{ desired, cluster, begun: new Set<number>() },
      async template(file: string) {
        await copyFile(join(folder, 'any.tar.zst'), join(folder, `${file}.part`));
        await rename(join(folder, `${file}.part`), join(folder, file));
        const path = join(folder, file);
        return { path, manifest: { sha256: await checksum(path) } };
      },
    };
    const step = { id: 'x' } as Step;
    const of = (id: number) => desired.containers.find((one) => one.id === id)!;
    const away = (id: number) => ['pve1', 'pve2', 'pve3'].find((node) => node !== of(id).node)!;

    await containers.removePool(cluster, 'psa');
    await containers.createPool(work);
    for (const { key, storage } of desired.templates)
      if (storage === 'shared') await containers.uploadTemplate(work, key);
    for (const id of [210, 211, 320]) {
      await containers.create(work, step, of(id));
      await containers.start(work, step, of(id));
    }
    const redis = `/nodes/${of(320).node}/lxc/320`;
    await scene.scene.data('PUT', `${redis}/config`, { memory: 300, onboot: 0, nameserver: '10.0.0.9' });
    await containers.update(work, of(320));
    await containers.resize(work, step, { ...of(320), disk_gb: of(320).disk_gb + 1 });
    await scene.scene.data('PUT', '/pools', { poolid: 'psa', vms: '320', delete: 1 });
    await containers.join(work, 320);
    await containers.move(work, step, { ...of(320), node: away(320) }, async () => {});

    for (const id of [210, 211]) {
      if (way === 'groups') await ha.setGroup(cluster, desired, of(id).name);
      await ha.manage(cluster, desired, id, release);
      await ha.manage(cluster, desired, id, release);
    }
    if (way === 'groups') await ha.setGroup(cluster, desired, of(210).name);
    else for (let round = 1; round <= 2; round++) await ha.setRule(cluster, desired, 'psa-gateway-apart');
    const seen = await look();
    expect(seen.ha[way].length).toBeGreaterThan(0);
    expect(seen.ha.resources).toHaveLength(2);

    await examine(site, signal, silent);
    expect((await trial(site, {}, signal, silent)).filter(({ result }) => result === 'failed')).toEqual([]);
    await siteStatus(site, { env: {} }, signal, silent);

    if (way === 'groups') await ha.removeGroup(cluster, of(210).name);
    else await ha.removeRule(cluster, 'psa-gateway-apart');
    for (const id of [210, 211, 320]) await containers.remove(work, step, id, { wholly: true });
    await containers.removePool(cluster, 'psa');

    const other = way === 'groups' ? 'rules' : 'groups';
    expect([...sent.keys()].filter((one) => one.includes(`/cluster/ha/${other}`))).toEqual([]);
    // As many kinds of requests as an apply, a doctor and a destroy have.
    expect([...sent.keys()].length, version).toBeGreaterThan(30);
  }, 120_000);
});
