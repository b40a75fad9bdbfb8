import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeLab, fakeLab, makeRelease } from '../fake-lab.test-helper.ts';
import { readJournal } from './apply-journal.ts';

let lab: FakeLab;
beforeAll(async () => {
  lab = await fakeLab({ small: true });
});
afterAll(() => lab?.close());

interface Guest {
  readonly vmid: number;
  readonly node: string;
  readonly name: string;
  readonly status: string;
}
const guests = () => lab.site.client.request<readonly Guest[]>('GET', '/cluster/resources', { type: 'vm' });
const nodeOf = async (id: number) => (await guests()).find(({ vmid }) => vmid === id)!.node;
const configOf = async (id: number) =>
  lab.site.client.request<Record<string, unknown>>('GET', `/nodes/${await nodeOf(id)}/lxc/${id}/config`);
const ok = async (...argv: string[]) => {
  const ran = await lab.psactl(...argv);
  expect(ran.stderr.split('\n').filter((line) => /FAILED|PROBLEM|psactl:/.test(line))).toEqual([]);
  expect(ran.code).toBe(0);
  return ran;
};

interface Plan {
  readonly steps: readonly { id: string; action: string; target: string; reason: string }[];
  readonly problems: readonly { target: string; message: string }[];
}
async function planned(...argv: string[]): Promise<Plan & { code: number }> {
  const { code, stdout } = await lab.psactl('plan', '--json', '--detailed-exitcode', ...argv);
  return { ...(JSON.parse(stdout) as Plan), code };
}
/** The cluster is as the inventory says. */
async function expectNothingToDo() {
  const { steps, problems, code } = await planned();
  expect({ steps, problems, code }).toEqual({ steps: [], problems: [], code: 0 });
}
/** Steps that were begun since a line of the journal. */
const begunSince = (line: number) =>
  readJournal(lab.site.folder)
    .slice(line)
    .filter(({ event }) => event === 'started')
    .map(({ step }) => step);

/** A machine that does other things besides takes ten times as long as one that does not. */
const PATIENCE = { timeout: 900_000 };

describe('the appliance on a cluster', PATIENCE, () => {
  it('is planned, made, and then there is nothing to do', async () => {
    const first = await planned();
    expect(first.code).toBe(2);
    expect(first.steps.find(({ id }) => id === 'create:ct:300')).toMatchObject({
      ...{
        action: 'create',
        target: 'psa-postgres-1 (CT 300)',
        reason: expect.stringMatching(/^no container → /),
      },
    });
    expect((await lab.psactl('plan')).stdout).toMatch(/psa-postgres-1 \(CT 300\)/);
    const { stdout } = await ok('apply', '--yes');
    expect(stdout).toMatch(/done {2}create:ct:300 .* \d+\.\d s/);
    await expectNothingToDo();
    expect((await guests()).filter(({ status }) => status === 'running')).toHaveLength(
      lab.site.containers.length,
    );
    expect(await configOf(240)).toMatchObject({
      ...{ unprivileged: 1, onboot: 1, features: 'nesting=1', tags: 'psa;psa-tickets;vlan20' },
      description: expect.stringContaining('psactl: appliance=psa site=lab container=psa-tickets-1 id=240'),
    });
    expect(await lab.site.folder.secrets()).toMatchObject({
      postgres_superuser: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it('runs a command in a container, and ends as that ends', async () => {
    const ran = await lab.psactl('exec', 'psa-crm-1', '--json', '--', 'sh', '-c', 'echo said; exit 9');
    expect(ran.code).toBe(9);
    expect(JSON.parse(ran.stdout)).toMatchObject({ ok: false, exit: 9, code: 9, stdout: 'said\n' });
    expect((await lab.psactl('exec', 'psa-crm-1', '--', 'true')).code).toBe(0);
    expect((await lab.psactl('exec', 'nobody', '--', 'true')).code).toBe(2);
  });

  it('is healed where it drifted, and nowhere else', async () => {
    const { client, shell } = lab.site;
    const [crm, tickets, events, redis] = await Promise.all([231, 240, 250, 320].map(nodeOf));
    await client.run('POST', `/nodes/${crm}/lxc/231/status/stop`).catch(() => null);
    await client.request('DELETE', '/cluster/ha/resources/ct:231');
    await expect
      .poll(async () => (await guests()).find(({ vmid }) => vmid === 231)?.status, { timeout: 20_000 })
      .toBeDefined();
    await client.run('POST', `/nodes/${crm}/lxc/231/status/stop`).catch(() => null);
    await client.run('DELETE', `/nodes/${crm}/lxc/231`, { purge: true });
    await client.request('PUT', `/nodes/${tickets}/lxc/240/config`, { memory: 777 });
    const rule = { type: 'resource-affinity', disable: true };
    await client.request('PUT', '/cluster/ha/rules/psa-tickets-apart', rule);
    await shell.exec(events!, 250, ['systemctl', 'stop', 'psa@events.service']);
    await shell.exec(redis!, 320, ['sh', '-c', 'echo wrong > /etc/redis/psa-redis.conf']);
    const { steps, code } = await planned();
    expect(code).toBe(2);
    const reason = (id: string) => steps.find((step) => step.id === id)?.reason;
    expect(reason('create:ct:231')).toMatch(/^no container → made on /);
    expect(reason('update:ct:240')).toBe('memory 777 MiB → 384 MiB');
    expect(reason('rule:psa-tickets-apart')).toBe('disabled → enabled');
    expect(reason('configure:ct:250')).toMatch(/psa@events\.service inactive → active/);
    expect(reason('configure:ct:320')).toMatch(/psa-redis\.conf changed by hand/);
    const touched = steps.map(({ id }) => /:ct:(\d+)$/.exec(id)?.[1]).filter((id) => id !== undefined);
    expect([...new Set(touched)].sort()).toEqual(['231', '240', '250', '320']);
    const before = readJournal(lab.site.folder).length;
    await ok('apply', '--yes');
    expect(begunSince(before).toSorted()).toEqual(steps.map(({ id }) => id).toSorted());
    expect(await configOf(240)).toMatchObject({ memory: 384 });
    await expectNothingToDo();
  });

  it('follows the inventory: a new release, another size, more and fewer replicas', async () => {
    await makeRelease(lab.site.path(lab.site.inventory.releases.directory), '0.2.0');
    await lab.edit((text) =>
      text
        .replace('version: "0.1.0", directory', 'version: "0.2.0", directory')
        .replace(/(name: crm, replicas:) 2/, '$1 3')
        .replace(/(name: events, replicas:) 2/, '$1 1'),
    );
    const { steps } = await planned();
    const ids = steps.map(({ id }) => id);
    expect(ids).toEqual(
      expect.arrayContaining([
        'migrate:database:0.2.0',
        'create:ct:232',
        'remove:ct:251',
        'rollout:services',
      ]),
    );
    expect(ids).not.toContain('replace:ct:240');
    const { stderr } = await ok('apply', '--yes');
    // One after the other, by the rollout of deploy; the gateway last.
    const turns = [...stderr.matchAll(/(psa-[a-z]+-\d): runs 0\.2\.0/g)].map(([, name]) => name);
    expect(turns).toEqual(expect.arrayContaining(['psa-tickets-1', 'psa-tickets-2', 'psa-crm-1']));
    expect(turns.at(-1)).toMatch(/^psa-gateway-/);
    await expectNothingToDo();
    const now = (await guests()).map(({ vmid }) => vmid);
    expect(now).toContain(232);
    expect(now).not.toContain(251);
  });

  it('is left alone when an id is taken by somebody else, who is named', async () => {
    const { client } = lab.site;
    const made = {
      ...{
        vmid: 242,
        ostemplate: `shared:vztmpl/${lab.site.containers.find(({ group }) => group === 'redis')!.template}.tar.zst`,
        rootfs: 'shared:1',
        unprivileged: true,
      },
      ...{ hostname: 'theirs', pool: 'psa', memory: 64 },
    };
    await client.run('POST', '/nodes/pve1/lxc', made);
    await client.request('PUT', '/nodes/pve1/lxc/242/config', { tags: 'psa' });
    const before = await configOf(242);
    await lab.edit((text) => text.replace(/(name: tickets, replicas:) 2/, '$1 3'));
    const { steps, problems, code } = await planned();
    expect({ steps, code }).toEqual({ steps: [], code: 1 });
    expect(problems).toMatchObject([{ target: 'psa-tickets-3 (CT 242)', message: /"theirs" on pve1/ }]);
    const applied = await lab.psactl('apply', '--yes');
    expect(applied.code).toBe(1);
    expect(applied.stderr).toContain('psa-tickets-3 (CT 242)');
    expect(await configOf(242)).toEqual(before);
    await lab.edit((text) => text.replace(/(name: tickets, replicas:) 3/, '$1 2'));
    await expectNothingToDo();
  });

  it('gets a marker back that its note has lost, once it was shown', async () => {
    const path = `/nodes/${await nodeOf(240)}/lxc/240/config`;
    await lab.site.client.request('PUT', path, { description: 'do not touch' });
    const { problems } = await planned();
    expect(problems).toMatchObject([{ target: 'psa-tickets-1 (CT 240)' }]);
    const shown = await ok('adopt', 'psa-tickets-1', '--dry-run');
    expect(shown.stdout).toMatch(/psa-tickets-1 \(CT 240\) .*the address .*the pool psa/);
    expect((await lab.psactl('adopt', 'psa-tickets-1')).code).not.toBe(0);
    await ok('adopt', 'psa-tickets-1', '--yes');
    expect(await configOf(240)).toMatchObject({
      description: expect.stringMatching(/^psactl: .*\n\ndo not touch/),
    });
    await expectNothingToDo();
    expect((await lab.psactl('adopt', 'nobody')).code).toBe(2);
  });

  it('is changed by one psactl at a time', async () => {
    let free = () => {};
    const held = lab.site.folder.locked('psactl deploy', () => new Promise<void>((done) => (free = done)));
    const second = await lab.psactl('apply', '--yes', '--json');
    free();
    await held;
    expect(second.code).toBe(11);
    expect(JSON.parse(second.stdout).error.why).toMatch(/psactl deploy \(process \d+ of /);
  });

  it('is destroyed by its name alone, and what others made stays', async () => {
    expect((await lab.psactl('destroy', '--yes')).code).toBe(2);
    expect((await lab.psactl('destroy', '--yes', '--name', 'psb')).code).toBe(2);
    expect((await guests()).length).toBe(lab.site.containers.length + 1);
    await ok('destroy', '--yes', '--name', 'psa');
    expect((await guests()).map(({ vmid }) => vmid)).toEqual([242]);
    const { client } = lab.site;
    expect(await client.request('GET', '/cluster/ha/resources')).toEqual([]);
    expect(await client.request('GET', '/cluster/ha/rules')).toEqual([]);
    // The lab made the pool, with the rights of the token on it.
    const pools = await client.request<{ poolid: string }[]>('GET', '/pools');
    expect(pools.map(({ poolid }) => poolid)).toContain('psa');
    await client.run('DELETE', '/nodes/pve1/lxc/242');
  });
});

describe('psactl killed', PATIENCE, () => {
  it('at twenty moments of an apply leaves nothing that the next one does not end', async () => {
    let kills = 0;
    for (let i = 0; i < 20; i++) if (await lab.killedAt(randomInt(1, 25), 'apply', '--yes')) kills++;
    expect(kills).toBeGreaterThanOrEqual(15);
    await ok('apply', '--yes');
    await expectNothingToDo();
    const found = await guests();
    expect(found.map(({ vmid }) => vmid).toSorted()).toEqual((await fresh()).map(({ id }) => id).toSorted());
    expect(found.every(({ status }) => status === 'running')).toBe(true);
    // Disks of creations that were cut short would be there twice, or belong to nobody.
    const volumes = await lab.site.client.request<{ volid: string; vmid: number }[]>(
      'GET',
      '/nodes/pve1/storage/shared/content',
      { content: 'rootdir' },
    );
    const owners = volumes.map(({ vmid }) => vmid);
    expect(new Set(owners).size).toBe(owners.length);
    for (const owner of owners) expect(found.map(({ vmid }) => vmid)).toContain(owner);
  });
});

/** The containers of the inventory as it is now. */
async function fresh() {
  const { containers } = await (await import('../site/site.ts')).readSite({
    options: { inventory: lab.inventory },
    io: { env: {}, cwd: '/' } as never,
  });
  return containers;
}
