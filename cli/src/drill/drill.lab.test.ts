import { open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { artefactFile } from '@psa/recovery/artefact-name';
import type { DrillRecord } from '@psa/recovery/drill';
import type { SiteManifest } from '@psa/recovery/manifest';
import type { Proof } from '@psa/recovery/proof';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunResult } from '../backup/run-backup.ts';
import { backedUpLab, type FakeLab } from '../fake-lab.test-helper.ts';
import { Cluster } from '../site/cluster.ts';
import { DRILL_LOCK, withClusterLock } from '../site/cluster-lock.ts';

// The containers are made up; PostgreSQL and Redis in them are the machine's own.
let lab: FakeLab;
let run: RunResult;
beforeAll(async () => {
  ({ lab, run } = await backedUpLab());
}, 900_000);
afterAll(() => lab?.close(), 300_000);

const json = <T>(code: number, ...argv: string[]) => lab.json<T>(code, ...argv);
const drill = async (code: number, ...argv: string[]) =>
  (await json<{ data: DrillRecord }>(code, 'drill', 'run', ...argv, '--yes')).data;
const folder = () => lab.site.folder.file('backups');
const fileOf = (id: string) => join(folder(), artefactFile(id));
const idOf = (name: RegExp) => run.parts.find((part) => name.test(part.name))!.id!;
const cluster = () => new Cluster(lab.site, new AbortController().signal);
const proofBeside = async (id: string) =>
  JSON.parse(await readFile(`${fileOf(id)}.proof.json`, 'utf8')) as Proof;
const listed = async () =>
  (await json<{ data: { id: string; proof: Proof | null; failure: Proof | null }[] }>(0, 'backup', 'list'))
    .data;

/** Guests with an id of drills. */
async function ofDrills(): Promise<readonly { vmid: number; node: string }[]> {
  const all = await cluster().get<{ vmid: number; node: string }[]>('/cluster/resources', { type: 'vm' });
  return all.filter(({ vmid }) => vmid >= 900 && vmid <= 949);
}

/** Turns a bit in the middle of a file. @returns what turns it back */
async function turnBit(file: string): Promise<() => Promise<void>> {
  const turn = async () => {
    const handle = await open(file, 'r+');
    try {
      const at = (await handle.stat()).size >> 1;
      const byte = Buffer.alloc(1);
      await handle.read(byte, 0, 1, at);
      byte[0]! ^= 1;
      await handle.write(byte, 0, 1, at);
    } finally {
      await handle.close();
    }
  };
  await turn();
  return turn;
}

/** Where the archive of a container stands on this machine. */
async function archiveOf(id: string): Promise<string> {
  const manifest = JSON.parse(await readFile(`${fileOf(id)}.json`, 'utf8')) as SiteManifest;
  const { from, volume } = manifest;
  const { stdout } = await lab.site.shell.onNode(from.node!, 'find it', `pvesm path ${volume!.volid}`);
  return stdout.trim();
}

describe('psactl drill run', { timeout: 900_000 }, () => {
  it('shows what it would restore, and restores nothing then', async () => {
    const plan = await json<{ drills: { item: string; name: string }[]; left_out: { what: string }[] }>(
      ...([0, 'drill', 'run', '--dry-run'] as const),
    );
    expect(new Set(plan.drills.map(({ item }) => item)).size).toBe(8);
    // One of each group: the others have their turn another time.
    const postgres = plan.drills.filter(({ name }) => name.startsWith('psa-postgres-'));
    expect(postgres.map(({ name }) => name)).toEqual(['psa-postgres-1']);
    expect(plan.left_out.map(({ what }) => what)).toContain('psa-postgres-2');
    expect(await ofDrills()).toEqual([]);
  });

  it('restores everything into isolation, proves it, and leaves nothing behind', async () => {
    const record = await drill(0);
    expect(record.results.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
    expect(new Set(record.results.map(({ item }) => item)).size).toBe(8);
    const of = (item: string) => record.results.find((one) => one.item === item)!;
    expect(of('database').compared).toEqual(
      expect.arrayContaining([
        { what: 'rows of psa_platform public.made_up', wanted: 1, found: 1, same: true },
        { what: 'faults that pg_amcheck finds', wanted: 0, found: 0, same: true },
      ]),
    );
    expect(of('redis').compared).toEqual([
      { what: 'keys that were loaded or had run out', wanted: 0, found: 0, same: true },
    ]);
    expect(of('pitr').compared).toContainEqual({
      ...{ what: 'log up to where the primary stood', wanted: 'all of it', found: 'all of it', same: true },
    });
    const { id: host } = lab.site.containers.find(({ group }) => group === 'ops')!;
    expect(await cluster().must(host, ['ls', '/var/lib/psa-pitr'])).toBe('');
    // Every one was looked at before it was started.
    const steps = record.steps.map(({ of: id, step }) => `${id} ${step}`);
    for (const { id } of record.results.filter(({ item }) => item === 'containers')) {
      expect(steps.indexOf(`${id} see that it is alone`)).toBeGreaterThan(steps.indexOf(`${id} restore it`));
      expect(steps.indexOf(`${id} boot it`)).toBeGreaterThan(steps.indexOf(`${id} see that it is alone`));
    }
    expect(await ofDrills()).toEqual([]);
    const list = await listed();
    for (const { id } of record.results) {
      expect(list.find((one) => one.id === id)?.proof).toMatchObject({ by: record.id, result: 'passed' });
      expect((await proofBeside(id)).sha256).not.toBe(undefined);
    }
    // The live ones have not noticed.
    expect((await json<{ steps: object[] }>(0, 'plan')).steps).toEqual([]);
    // Those that had no turn have it now.
    const next = await json<{ drills: { name: string }[] }>(0, 'drill', 'run', '--dry-run');
    expect(next.drills.map(({ name }) => name)).toContain('psa-postgres-2');
  });

  it('fails with what is damaged, says so beside it, and it is no longer proven', async () => {
    const [database, secrets] = [idOf(/^database/), idOf(/^secrets/)];
    const container = idOf(/psa-redis-1/);
    const back = [
      await turnBit(fileOf(database)),
      await turnBit(fileOf(secrets)),
      await turnBit(await archiveOf(container)),
    ];
    const named = [run.run, container].join(',');
    const record = await drill(1, '--from', named, '--what', 'database,secrets,configs,containers');
    const failed = record.results.filter(({ outcome }) => outcome === 'failed');
    expect(failed.map(({ id }) => id).sort()).toEqual([container, database, secrets].sort());
    for (const { why } of failed) expect(why).toMatch(/does not restore/);
    expect(record.results.find(({ item }) => item === 'configs')).toMatchObject({ outcome: 'passed' });
    const list = await listed();
    for (const id of [database, secrets, container])
      expect(list.find((one) => one.id === id)).toMatchObject({ proof: null, failure: { by: record.id } });
    expect(await ofDrills()).toEqual([]);
    const report = await lab.psactl('drill', 'report', '--html', join(lab.dir, 'failed.html'));
    expect(report.code).toBe(1);
    expect(report.stdout).toMatch(/FAILED +database/);
    expect(await readFile(join(lab.dir, 'failed.html'), 'utf8')).toContain('another SHA-256');
    for (const turn of back) await turn();
    await drill(0, '--from', database);
    expect((await listed()).find((one) => one.id === database)).toMatchObject({
      proof: { result: 'passed' },
      failure: null,
    });
  });

  it('fails with a dump whose bytes are whole and which does not load', async () => {
    const id = idOf(/^database/);
    const manifest = JSON.parse(await readFile(`${fileOf(id)}.json`, 'utf8')) as SiteManifest;
    const whole = await readFile(fileOf(id));
    const { zstdCompressSync, zstdDecompressSync } = await import('node:zlib');
    const { createHash } = await import('node:crypto');
    const text = zstdDecompressSync(whole).toString('utf8');
    const put = async (content: Buffer, sha256: string | null) => {
      await writeFile(fileOf(id), content);
      await writeFile(`${fileOf(id)}.json`, JSON.stringify({ ...manifest, bytes: content.length, sha256 }));
    };
    // As a program with an error would have dumped it: a row for a table that takes none of its kind.
    const wrong = zstdCompressSync(Buffer.from(text.replace('\n1\n\\.', '\none\n\\.')));
    await put(wrong, createHash('sha256').update(wrong).digest('hex'));
    const record = await drill(1, '--from', id);
    expect(record.results[0]).toMatchObject({
      ...{ outcome: 'failed', restore_ms: null },
      why: expect.stringMatching(/does not load.*invalid input syntax for type integer/),
    });
    expect(await ofDrills()).toEqual([]);
    await put(whole, manifest.sha256);
    // What was said of other bytes says nothing of these.
    expect((await listed()).find((one) => one.id === id)).toMatchObject({ proof: null, failure: null });
  });

  it('says nothing of what it could not put to the test', async () => {
    const id = idOf(/^redis/);
    await drill(0, '--from', id);
    await lab.edit((text) => text.replace('ids: 900-949, vlan: backup', 'ids: 900-900, vlan: backup'));
    // The only id is taken by somebody else's.
    await json(0, 'restore', 'container', 'psa-redis-1', '--as', '900', '--address', '10.0.30.240', '--yes');
    const record = await drill(3, '--from', id);
    expect(record.results[0]).toMatchObject({
      outcome: 'untried',
      why: expect.stringContaining('backup.drill.ids'),
    });
    expect((await listed()).find((one) => one.id === id)?.proof).not.toBeNull();
    // And that one is none of the drill's.
    expect((await ofDrills()).map(({ vmid }) => vmid)).toEqual([900]);
    await lab.edit((text) => text.replace('ids: 900-900', 'ids: 900-949'));
    const key = lab.site.path(lab.site.inventory.backup.encryption_key_file);
    const content = await readFile(key);
    await writeFile(key, '');
    const without = await lab.psactl('drill', 'run', '--from', id, '--yes');
    await writeFile(key, content);
    expect(without.code, without.stdout + without.stderr).not.toBe(0);
    expect((await listed()).find((one) => one.id === id)?.proof).not.toBeNull();
    const [{ node }] = (await ofDrills()) as unknown as [{ node: string }];
    await lab.site.client.run('POST', `/nodes/${node}/lxc/900/status/stop`);
    await lab.site.client.run('DELETE', `/nodes/${node}/lxc/900`, { purge: true });
  });

  it('killed at any moment shows as not ended; the next one takes away what it left, and nothing else', async () => {
    let left = 0;
    let kills = 0;
    for (const after of [1_500, 2_500, 4_000, 6_000]) {
      if (await lab.killed(after, 'drill', 'run', '--what', 'containers', '--yes')) kills++;
      if ((await ofDrills()).length > 0) left++;
      const report = await lab.psactl('drill', 'report', '--json');
      const { data } = JSON.parse(report.stdout) as { data: DrillRecord & { outcome: string } };
      if (data.ended === null) expect([report.code, data.outcome]).toEqual([1, 'cut short']);
    }
    expect(kills).toBeGreaterThan(1);
    // One that a killed drill leaves for certain.
    const isThere = async () => (await ofDrills()).length > 0;
    await lab.killedWhen(isThere, 'drill', 'run', '--what', 'containers', '--yes');
    if ((await ofDrills()).length > 0) left++;
    expect(left).toBeGreaterThan(0);
    await json(0, 'restore', 'container', 'psa-redis-1', '--as', '949', '--address', '10.0.30.241', '--yes');
    await drill(0, '--what', 'configs');
    expect((await ofDrills()).map(({ vmid }) => vmid)).toEqual([949]);
    const [{ node }] = (await ofDrills()) as unknown as [{ node: string }];
    await lab.site.client.run('POST', `/nodes/${node}/lxc/949/status/stop`);
    await lab.site.client.run('DELETE', `/nodes/${node}/lxc/949`, { purge: true });
  });

  it('runs alone, and not while backups are pruned', async () => {
    const signal = new AbortController().signal;
    const what = { name: DRILL_LOCK, what: 'psactl drill run', signal };
    await lab.edit((text) =>
      text.replace('  encryption_key_file', '  keep: { keep-last: 1 }\n  encryption_key_file'),
    );
    await json(0, 'backup', 'run', '--only', 'secrets');
    await withClusterLock(lab.site, what, async () => {
      for (const argv of [
        ['drill', 'run', '--what', 'configs', '--yes'],
        ['backup', 'prune', '--yes'],
      ]) {
        const ran = await lab.psactl(...argv);
        expect(ran).toMatchObject({
          code: 11,
          stderr: expect.stringContaining('It is held by psactl drill run'),
        });
      }
      // What is new is no trouble to a drill.
      await json(0, 'backup', 'run', '--only', 'secrets');
    });
    await json(0, 'backup', 'prune', '--yes');
    const proven = (await listed()).filter(({ proof }) => proof !== null);
    for (const { id } of proven) expect(await readdir(folder())).toContain(`${artefactFile(id)}.proof.json`);
    // What goes takes what was said of it along.
    const there = new Set((await listed()).map(({ id }) => artefactFile(id)));
    const proofs = (await readdir(folder())).filter((name) => name.endsWith('.proof.json'));
    for (const name of proofs) expect(there).toContain(name.replace('.proof.json', ''));
    await lab.edit((text) => text.replace('  keep: { keep-last: 1 }\n', ''));
  });

  it('refuses what it does not know, and says where there is nothing', async () => {
    const refused = async (...argv: string[]) => lab.psactl('drill', ...argv);
    expect(await refused('run', '--what', 'everything')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no "everything"'),
    });
    expect((await refused('run', '--from', 'database-x', '--yes')).code).toBe(10);
    expect((await refused('report', '20200101T000000Z-000000')).code).toBe(10);
    const nowhere = await refused('report', '--html', join(lab.dir, 'none/x.html'));
    expect(nowhere).toMatchObject({ code: 1, stderr: expect.stringContaining('--html') });
  });
});
