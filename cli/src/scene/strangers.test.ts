import { plan } from '@psa/appliance/plan/plan';
import type { Step } from '@psa/appliance/plan/step';
import { ProxmoxClient } from '@psa/proxmox/client/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as containers from '../apply/container-steps.ts';
import { desire } from '../apply/desire.ts';
import { manage } from '../apply/ha-steps.ts';
import { observe } from '../apply/observe.ts';
import { examine } from '../doctor/examine.ts';
import { Cluster } from '../site/cluster.ts';
import { endRolloutJournal, writeRolloutJournal } from '../site/rollout-journal.ts';
import type { OpenSite } from '../site/site.ts';
import { siteStatus } from '../status/site-status.ts';
import { SceneSite, silent } from './scene-site.test-helper.ts';

describe('a cluster where others are at work', () => {
  let world: SceneSite;
  let site: OpenSite;
  const signal = new AbortController().signal;
  const wish = () => desire(site, { recreate: [], removeData: false });
  const look = async () => {
    const desired = await wish();
    const observed = await observe(new Cluster(site, signal), desired, { journal: [], inside: false });
    return { observed, ...plan(desired, observed) };
  };
  const idsOf = ({ steps }: { readonly steps: readonly Step[] }) => steps.map(({ id }) => id);
  const theirs = (node: string, vmid: number, more: object = {}) =>
    world.scene.task('POST', `/nodes/${node}/lxc`, {
      ...{ vmid, ostemplate: 'local:vztmpl/mini_1.0_amd64.tar.zst', rootfs: 'shared:1', hostname: 'theirs' },
      ...{ memory: 64, swap: 0, unprivileged: 1, ...more },
    });

  beforeAll(async () => {
    world = await SceneSite.open();
    const { scene } = world;
    site = world.site(ProxmoxClient, 'psactl');
    const desired = await wish();
    for (const { file } of desired.templates) await scene.template('shared', file);
    // The neighbour of our pool's name, with a guest; one that somebody has put into ours; one on an id of ours.
    await scene.data('POST', '/pools', { poolid: 'psa-two' });
    await theirs('pve1', 600, { pool: 'psa-two' });
    await theirs('pve1', 601, { pool: 'psa' });
    await theirs('pve1', 231);
    const cluster = new Cluster(site, signal);
    const work = {
      ...{ desired, cluster, begun: new Set<number>() },
      template: async (path: string) => ({ path, manifest: { sha256: '' } }),
    };
    const { release } = (await look()).observed;
    for (const id of [210, 211, 212].filter((one) => desired.containers.some((it) => it.id === one))) {
      const container = desired.containers.find((one) => one.id === id)!;
      await containers.create(work, { id: 'x' } as Step, container);
      await manage(cluster, desired, id, release);
    }
    // They keep two of ours together, which are to stand apart.
    await scene.data('POST', '/cluster/ha/rules', {
      ...{ rule: 'theirs', type: 'resource-affinity', affinity: 'positive', resources: 'ct:210,ct:211' },
    });
  }, 120_000);
  afterAll(() => world.close());

  it('takes an id of its own that it does not see for taken, and the rest for none of its affair', async () => {
    const { observed, problems, steps } = await look();
    expect(observed.guests.map(({ id }) => id)).toEqual(expect.arrayContaining([210, 211, 601]));
    expect(observed.guests.map(({ id }) => id)).not.toContain(600);
    expect(observed.hidden).toEqual([231]);
    expect(problems).toMatchObject([
      { message: 'The id 231 is taken by a guest that the token of psactl cannot see.' },
    ]);
    expect(steps).toEqual([]);
  });

  it('tells an id that it sees in the hands of others, and touches neither their guests nor their pool', async () => {
    const { access } = world.scene.lab;
    access.update((data) => {
      for (const [type, ugid] of [
        ['user', 'psactl@pve'],
        ['token', 'psactl@pve!psactl'],
      ] as const)
        data.acl.push({ path: '/vms', roleid: 'PVEAuditor', type, ugid, propagate: true });
    });
    const { observed, problems } = await look();
    expect(observed.hidden).toEqual([]);
    expect(problems).toMatchObject([{ message: /^The id 231 belongs to "theirs" on pve1/ }]);
    expect(observed.guests.find(({ id }) => id === 600)).toMatchObject({ inPool: false, config: null });
    await world.scene.task('DELETE', '/nodes/pve1/lxc/231');
    const free = await look();
    expect(free.problems).toEqual([]);
    const touched = free.steps.map(({ container }) => container);
    expect(touched).not.toContain(600);
    expect(touched).not.toContain(601);
    expect(idsOf(free)).not.toContain('create:pool:psa');
  });

  it('sees that a rule of others stands against its own, before Proxmox refuses it', async () => {
    const found = await look();
    expect(idsOf(found)).not.toContain('rule:psa-gateway-apart');
    expect(idsOf(found)).toContain('rule:psa-crm-apart');
    expect(found.notes.join('\n')).toMatch(
      /psa-gateway-apart is not set .*"theirs".* keeps together ct:210, ct:211/,
    );
    const ours = { rule: 'psa-gateway-apart', type: 'resource-affinity', affinity: 'negative' };
    const refused = world.scene.data('POST', '/cluster/ha/rules', { ...ours, resources: 'ct:210,ct:211' });
    await expect(refused).rejects.toThrow("Rule 'psa-gateway-apart' is invalid");
    await world.scene.data('PUT', '/cluster/ha/rules/theirs', { type: 'resource-affinity', disable: 1 });
    expect(idsOf(await look())).toContain('rule:psa-gateway-apart');
  });

  it('tells a rollout that is under way from one that was cut short', async () => {
    const rollout = { services: {}, replicas: [] } as never;
    const journal = { id: 'x-deploy-2', action: 'deploy', startedAt: '', phase: 'roll', rollout } as const;
    const said = async () =>
      (await siteStatus(site, { env: {} }, signal, silent)).problems.filter((one) =>
        one.includes('x-deploy-2'),
      );
    await site.folder.locked('psactl deploy', async () => {
      await writeRolloutJournal(site.folder, { ...journal, backup: null });
      expect(await said()).toEqual([
        expect.stringMatching(/^x-deploy-2 is under way: psactl deploy \(process \d+/),
      ]);
    });
    expect(await said()).toEqual(['x-deploy-2 was cut short: run it again, or psactl rollback.']);
    await endRolloutJournal(site.folder);
    expect(await said()).toEqual([]);
  });

  it('asks a node itself whose pvestatd hangs: its containers run, whatever the cluster says', async () => {
    const before = await look();
    const at = before.observed.guests.find(({ id }) => id === 211)!.node;
    const { membership } = world.scene.lab;
    membership.setReports(at, false);
    const { observed, steps } = await look();
    expect(observed.nodes[at]).toBe('online');
    expect(observed.guests).toEqual(before.observed.guests);
    expect(steps).toEqual(before.steps);
    const cluster = new Cluster(site, signal);
    expect(await cluster.find(211)).toEqual({ node: at, status: 'running' });
    // The list of its guests without an answer: nobody knows, and nothing is done.
    const list = (path: string) => path === `/nodes/${at}/lxc`;
    const client = Object.assign(Object.create(site.client), {
      request: (method: never, path: string, ...rest: never[]) =>
        list(path) ? Promise.reject(new Error('no answer')) : site.client.request(method, path, ...rest),
    });
    const deaf = new Cluster({ ...site, client }, signal);
    const desired = await wish();
    const unsaid = plan(desired, await observe(deaf, desired, { journal: [], inside: false }));
    expect(unsaid.notes.join('\n')).toContain(`${at} does not say whether it runs`);
    expect(unsaid.steps.filter((step) => step.container === 211)).toEqual([]);
    const findings = await examine(site, signal, silent);
    expect(findings).toContainEqual(expect.objectContaining({ what: `reports of ${at}`, result: 'failed' }));
    membership.setReports(at, true);
  });

  it('ends what Proxmox left running of a container that was destroyed by force under HA', async () => {
    const desired = await wish();
    const cluster = new Cluster(site, signal);
    const container = desired.containers.find(({ id }) => id === 211)!;
    const { node } = await cluster.need(211);
    await world.scene.task('DELETE', `/nodes/${node}/lxc/211`, { force: 1, purge: 1 });
    expect(await cluster.find(211)).toBeNull();
    const work = {
      ...{ desired, cluster, begun: new Set<number>() },
      template: async (path: string) => ({ path, manifest: { sha256: '' } }),
    };
    // On the same node: elsewhere nothing is left of it.
    await containers.create(work, { id: 'x' } as Step, { ...container, node });
    expect(await cluster.status(node, 211)).toBe('stopped');
    await manage(cluster, desired, 211, (await look()).observed.release);
  });

  it('leaves alone what a node has that is away, and doctor says so and goes on', async () => {
    const before = await look();
    const at = before.observed.guests.find(({ id }) => id === 211)!.node;
    await world.scene.lab.power.kill(at);
    const { observed, notes, steps, problems } = await look();
    expect(problems).toEqual([]);
    expect(observed.nodes[at]).toBe('offline');
    expect(observed.guests.find(({ id }) => id === 211)).toMatchObject({ status: 'unknown', config: null });
    expect(notes.join('\n')).toMatch(`left alone: its node ${at} does not answer`);
    expect(steps.filter((step) => step.node === at || step.container === 211)).toEqual([]);
    const findings = await examine(site, signal, silent);
    expect(findings).toContainEqual(expect.objectContaining({ what: `node ${at}`, result: 'failed' }));
    expect(findings.filter(({ what }) => what.startsWith('storage shared on '))).toHaveLength(2);
    const away = findings.filter(({ detail }) => /595|No route to host/.test(detail));
    expect(away).toEqual([]);
  });
});
