import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { takeOwnerLock } from '@psa/infra/owner-lock';
import { apiPath } from '@psa/proxmox/client/encode';
import { artefactFile } from '@psa/recovery/artefact-name';
import type { SiteManifest } from '@psa/recovery/manifest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeLab, fakeLab } from '../fake-lab.test-helper.ts';
import { Cluster } from '../site/cluster.ts';
import { PRUNE_LOCK, withClusterLock } from '../site/cluster-lock.ts';
import { listVolumes } from '../site/volume.ts';
import { clearDeadBackup } from './dead-backup.ts';
import { BACKUP_LOCK, type RunResult } from './run-backup.ts';

let lab: FakeLab;
beforeAll(async () => {
  lab = await fakeLab({ small: true });
  const ran = await lab.psactl('apply', '--yes');
  if (ran.code !== 0) throw new Error(ran.stderr + ran.stdout.split('\n').slice(-12).join('\n'));
}, 900_000);
afterAll(() => lab?.close(), 300_000);

const folder = () => lab.site.folder.file('backups');
const SMALL = ['--only', 'database,pitr,redis,rabbitmq,configs,releases,secrets'];

const json = <T>(code: number, ...argv: string[]) => lab.json<T>(code, ...argv);
const backup = async (code: number, ...argv: string[]) =>
  (await json<{ data: RunResult }>(code, 'backup', 'run', ...argv)).data;
const list = async () =>
  json<{
    data: { id: string; state: string; run: string; volume: string | null }[];
    orphans: { id: string }[];
  }>(0, 'backup', 'list');
const good = async () => (await list()).data.filter(({ state }) => state === 'good').map(({ id }) => id);
const idOf = ({ parts }: RunResult, name: RegExp) => parts.find((part) => name.test(part.name))!.id!;
const manifestOf = async (id: string) =>
  JSON.parse(await readFile(join(folder(), `${artefactFile(id)}.json`), 'utf8')) as SiteManifest;

describe('psactl backup on a site', { timeout: 900_000 }, () => {
  let whole: RunResult;

  it('takes everything, each part read back and with its manifest beside it', async () => {
    whole = await backup(0, '--tier', 'son');
    expect(whole.complete, JSON.stringify(whole.parts)).toBe(true);
    expect(new Set(whole.parts.map(({ item }) => item)).size).toBe(8);
    for (const { id } of whole.parts) {
      const manifest = await manifestOf(id!);
      expect(manifest).toMatchObject({ id, run: whole.run, site: 'psa/lab', tier: 'son' });
      if (manifest.kind === 'container' || manifest.kind === 'pitr') continue;
      const content = await readFile(join(folder(), artefactFile(id!)));
      expect(createHash('sha256').update(content).digest('hex')).toBe(manifest.sha256);
    }
    expect(await manifestOf(idOf(whole, /^database/))).toMatchObject({
      ...{ version: '15.0', lsn: '0/3000148', databases: ['psa_platform'], from: { role: 'replica' } },
    });
    // Disks that are files can have no snapshot, and the inventory of a lab says what may happen then.
    expect((await manifestOf(idOf(whole, /psa-tickets-1/))).mode).toBe('suspend');
    expect((await manifestOf(idOf(whole, /psa-postgres-1/))).mode).toBe('snapshot');
    const { data, orphans } = await list();
    expect(new Set(data.map(({ state }) => state))).toEqual(new Set(['good']));
    expect(orphans).toEqual([]);
  });

  it('a copy in the repository of the database is judged by what pgBackRest and its log say', async () => {
    const id = idOf(whole, /^pitr/);
    expect(await manifestOf(id)).toMatchObject({ repository: { type: 'full', needs: [] }, sha256: null });
    const ops = lab.site.containers.find(({ group }) => group === 'ops')!.id;
    const cluster = () => new Cluster(lab.site, new AbortController().signal);
    const sh = (line: string) => cluster().must(ops, ['sh', '-c', line]);
    const verify = async (code: number) =>
      (await json<{ data: { ok: boolean; why: string | null }[] }>(code, 'backup', 'verify', id)).data[0]!;
    expect(await verify(0)).toMatchObject({ ok: true });
    await sh('touch /var/lib/pgbackrest-missing-2');
    expect((await verify(1)).why).toContain('has a gap (000000010000000000000002)');
    expect((await backup(1, '--only', 'pitr')).parts[0]!.why).toContain('has a gap');
    await sh(
      'rm /var/lib/pgbackrest-missing-2; echo "  archiveId: 15-1, total WAL checked: 3" >/var/lib/pgbackrest-trouble',
    );
    expect((await verify(1)).why).toContain('the log in the repository is damaged');
    await sh('rm /var/lib/pgbackrest-trouble');
    const refused = await lab.psactl('backup', 'protect', id);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('backup.pitr_days')]);
    // The next one of the week has what has changed; pgBackRest removes what is too old, and its manifest follows.
    const next = await backup(0, '--only', 'pitr');
    expect((await manifestOf(next.parts[0]!.id!)).repository?.type).toBe('diff');
    await sh('cd /var/lib; cp pgbackrest-copies kept; sed -i 1d /var/lib/pgbackrest-copies');
    expect((await list()).data.find((one) => one.id === id)?.state).toBe('gone');
    const pruned = await json<{ stores: { remove: { id: string }[] }[] }>(0, 'backup', 'prune', '--dry-run');
    expect(JSON.stringify(pruned)).toContain(id);
    await sh('mv /var/lib/kept /var/lib/pgbackrest-copies');
  });

  it('reads them all back, and names the one in which a bit is turned', async () => {
    const database = join(folder(), artefactFile(idOf(whole, /^database/)));
    const before = await readFile(database);
    const ok = await json<{ data: { ok: boolean; read: string }[] }>(0, 'backup', 'verify', whole.run);
    expect(ok.data).toHaveLength(whole.parts.length);
    const turned = Buffer.from(before);
    turned[turned.length >> 1]! ^= 1;
    await writeFile(database, turned);
    const bad = await json<{ data: { id: string; ok: boolean; why: string }[] }>(
      1,
      'backup',
      'verify',
      whole.run,
    );
    expect(bad.data.filter((one) => !one.ok)).toEqual([
      expect.objectContaining({
        id: idOf(whole, /^database/),
        why: expect.stringContaining('another SHA-256'),
      }),
    ]);
    await writeFile(database, before);
  });

  it('opens each of them when asked, and calls none whole that it could not open', async () => {
    const deep = async (code: number, ...ids: string[]) =>
      (
        await json<{ data: { id: string; ok: boolean; why: string; read: string }[] }>(
          ...([code, 'backup', 'verify', '--deep', ...ids] as const),
        )
      ).data;
    const all = await deep(0, whole.run);
    expect(all.map(({ read }) => read)).toEqual(all.map(() => 'content'));
    // Its sum is that of its manifest, and tar finds that it is none.
    const releases = idOf(whole, /^releases/);
    const file = join(folder(), artefactFile(releases));
    const [before, told] = [await readFile(file), await readFile(`${file}.json`, 'utf8')];
    const other = Buffer.alloc(before.length, 'x');
    const sha256 = createHash('sha256').update(other).digest('hex');
    await writeFile(file, other);
    await writeFile(`${file}.json`, told.replace((JSON.parse(told) as SiteManifest).sha256!, sha256));
    expect(await json<{ data: object[] }>(0, 'backup', 'verify', releases)).toMatchObject({
      data: [{ ok: true, read: 'sum' }],
    });
    expect(await deep(1, releases)).toMatchObject([{ ok: false, why: expect.stringContaining('tar') }]);
    await writeFile(file, before);
    await writeFile(`${file}.json`, told);
    await deep(0, releases);
  });

  it('leaves out what would have to stand still when nobody has said that it may, and says so', async () => {
    await lab.edit((text) => text.replace('  interruption: suspend\n', ''));
    const run = await backup(3, '--only', 'containers', '--tier', 'father');
    const skipped = run.parts.filter(({ outcome }) => outcome === 'skipped');
    expect(skipped.map(({ name }) => name).join()).toMatch(/psa-tickets-1/);
    expect(skipped[0]!.why).toContain('backup.interruption: suspend');
    expect(run.parts.find(({ name }) => name.startsWith('psa-postgres-1'))?.outcome).toBe('good');
    await lab.edit((text) =>
      text.replace('  encryption_key_file', '  interruption: suspend\n  encryption_key_file'),
    );
    // Its generation is on NFS: what a copy by way of it has not is said.
    const paused = await backup(0, '--only', 'containers', '--tier', 'father');
    const { mode, warnings } = await manifestOf(idOf(paused, /psa-tickets-1/));
    expect(mode).toBe('suspend');
    expect(warnings.join()).toContain('disabling xattr and acl');
    expect((await manifestOf(idOf(paused, /psa-postgres-1/))).warnings).toEqual([]);
  });

  it('takes away the lock that a killed vzdump has left, and not that of one that runs', async () => {
    const cluster = new Cluster(lab.site, new AbortController().signal);
    const { node } = await cluster.need(320);
    const path = `/nodes/${node}/lxc/320/config`;
    await cluster.write('PUT', path, { lock: 'backup' });
    const freed = await backup(0, '--only', 'containers', '--tier', 'father');
    expect((await manifestOf(idOf(freed, /psa-redis-1/))).warnings.join()).toContain(
      'the lock was taken away',
    );
    expect(await cluster.get<object>(path)).not.toHaveProperty('lock');
    expect(await clearDeadBackup(cluster, node, 320, [])).toEqual([]);
    await cluster.write('PUT', path, { lock: 'create' });
    expect(await clearDeadBackup(cluster, node, 320, [])).toEqual([]);
    await lab.site.shell.unlock(node, 320);
  });

  it('does not begin while another one is at work, from whatever machine', async () => {
    const { site } = lab;
    const signal = new AbortController().signal;
    await withClusterLock(site, { name: BACKUP_LOCK, what: 'psactl backup run', signal }, async () => {
      const ran = await lab.psactl('backup', 'run', ...SMALL);
      expect(ran).toMatchObject({
        code: 11,
        stderr: expect.stringMatching(/It is held by psactl backup run/),
      });
    });
    expect((await backup(0, ...SMALL)).complete).toBe(true);
  });

  it('says that a run is not complete when a part fails, and keeps the others', async () => {
    await lab.edit((text) =>
      text.replace('  encryption_key_file', '  pfsense_config_file: ./none.xml\n  encryption_key_file'),
    );
    const run = await backup(3, '--only', 'database,configs');
    expect(run.complete).toBe(false);
    expect(run.parts.find(({ item }) => item === 'configs')).toMatchObject({
      outcome: 'failed',
      why: expect.stringContaining('backup.pfsense_config_file'),
    });
    expect(await good()).toContain(idOf(run, /^database/));
    await lab.edit((text) => text.replace('  pfsense_config_file: ./none.xml\n', ''));
  });

  it('says that the disk is full, and leaves nothing of what did not fit', async () => {
    const small = join(lab.dir, 'small-disk');
    await mkdir(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small]);
    try {
      await writeFile(join(small, 'ballast'), Buffer.alloc(56 * 1024));
      await lab.edit((text) =>
        text.replace('keep: 7, storage: local', `keep: 7, storage: local, folder: ${small}`),
      );
      const run = await backup(3, '--only', 'database,configs', '--tier', 'son');
      expect(run.parts.find(({ item }) => item === 'configs')).toMatchObject({
        outcome: 'failed',
        why: expect.stringContaining('the disk is full'),
      });
      expect((await readdir(small)).filter((name) => !name.startsWith('database-'))).toEqual(['ballast']);
    } finally {
      await lab.edit((text) => text.replace(`, folder: ${small}`, ''));
      execFileSync('umount', ['-l', small]);
    }
  });

  it('runs the hooks around it; when the first fails nothing is taken', async () => {
    const seen = join(lab.dir, 'hooks');
    const hooks = (before: string) =>
      `  hooks: { before: '${before}', after: 'echo $PSA_BACKUP_OUTCOME >>${seen}' }\n  encryption_key_file`;
    await lab.edit((text) => text.replace('  encryption_key_file', hooks(`echo $PSA_BACKUP_TIER >>${seen}`)));
    await backup(0, '--only', 'secrets');
    expect((await readFile(seen, 'utf8')).split('\n')).toEqual(['son', 'good', '']);
    await lab.edit((text) => text.replace(/before: '[^']*'/, "before: 'echo no room >&2; false'"));
    const count = (await list()).data.length;
    const ran = await lab.psactl('backup', 'run', '--only', 'secrets');
    expect(ran).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/backup\.hooks\.before[\s\S]*no room/),
    });
    expect((await list()).data).toHaveLength(count);
    await lab.edit((text) => text.replace(/ {2}hooks: .*\n/, ''));
  });

  it('killed at any moment leaves nothing called good that is not, and the next one runs', async () => {
    const before = new Set(await good());
    const known = new Set((await list()).data.map(({ run }) => run));
    let kills = 0;
    for (let after = 400; after < 9_000; after = Math.ceil(after * 1.5)) {
      const wasKilled = await lab.killed(after, 'backup', 'run', '--tier', 'son');
      if (wasKilled) kills++;
      const now = await good();
      for (const id of before) expect(now).toContain(id);
      const fresh = (await list()).data.filter((one) => one.state === 'good' && !known.has(one.run));
      if (fresh.length > 0) {
        const ids = fresh.map(({ id }) => id);
        const read = await json<{ data: { ok: boolean }[] }>(0, 'backup', 'verify', ...ids);
        expect(read.data.every(({ ok }) => ok)).toBe(true);
      }
      for (const { run } of fresh) known.add(run);
    }
    expect(kills).toBeGreaterThan(2);
    expect((await backup(0, '--tier', 'son')).complete).toBe(true);
  });

  it('describes anew what a killed run has left on the storages', async () => {
    const cluster = new Cluster(lab.site, new AbortController().signal);
    const id = idOf(whole, /psa-redis-1/);
    const path = join(folder(), `${artefactFile(id)}.json`);
    await rename(path, `${path}.away`);
    const { orphans } = await list();
    expect(orphans.map((one) => one.id)).toContain(id);
    const before = JSON.parse(await readFile(`${path}.away`, 'utf8')) as SiteManifest;
    // Of another site that keeps its archives on the same share: described as ours it could be restored over ours.
    const { storage, volid } = before.volume!;
    const content = apiPath`/nodes/${before.from.node!}/storage/${storage}/content/${volid}`;
    await cluster.write('PUT', content, { notes: `psa ${before.run} son psa/other psa-redis-1` });
    // Killed runs have left others.
    expect((await list()).orphans.map((one) => one.id)).not.toContain(id);
    await cluster.write('PUT', content, { notes: `psa ${before.run} son psa/lab psa-redis-1` });
    await json(0, 'backup', 'catalogue', 'rebuild', '--yes');
    const after = await manifestOf(id);
    expect(after).toMatchObject({ id, sha256: before.sha256, bytes: before.bytes, volume: before.volume });
    expect((await list()).orphans).toEqual([]);
    // Of one that cannot be read as well: nothing else could mend it.
    for (const torn of ['{"manif', JSON.stringify({ ...after, sha256: null })]) {
      await writeFile(path, torn);
      const shown = await json<{ data: { ok: boolean; why: string }[] }>(1, 'backup', 'verify', id);
      expect(shown.data[0]!.why).toContain('its manifest is damaged or missing');
      await json(0, 'backup', 'catalogue', 'rebuild', '--yes');
      expect(await manifestOf(id)).toMatchObject({ id, sha256: before.sha256 });
    }
    // What somebody else has put there is none of ours.
    const { node } = before.from;
    expect((await listVolumes(cluster, node!, before.volume!.storage)).length).toBeGreaterThan(0);
  });

  it('shows as gone what is no longer on its storage, and refuses what is of another site', async () => {
    const id = idOf(whole, /psa-redis-1/);
    const path = join(folder(), `${artefactFile(id)}.json`);
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace(/vzdump-lxc-320-\d{4}/, 'vzdump-lxc-320-1999'));
    expect((await list()).data.find((one) => one.id === id)?.state).toBe('gone');
    await writeFile(path, text.replace('psa/lab', 'psa/main'));
    const bad = await json<{ data: { why: string }[] }>(1, 'backup', 'verify', id);
    expect(bad.data[0]!.why).toContain('it is of the site psa/main, and this one is psa/lab');
    // Nothing is wrong with it, and nothing of it is known: it is not called damaged, nor removed or described anew.
    await writeFile(path, text.replace('"manifest": 1', '"manifest": 2'));
    const newer = await json<{ data: { why: string }[] }>(1, 'backup', 'verify', id);
    expect(newer.data[0]!.why).toContain('it was made by a newer psactl');
    const { data, orphans } = await list();
    expect([data.find((one) => one.id === id)?.state, orphans]).toEqual(['newer', []]);
    const kept = await json<{ data: { keep: object[] } }>(0, 'backup', 'prune', '--dry-run');
    expect(kept.data.keep).toContainEqual({ id, reasons: ['made by a newer psactl'] });
    await writeFile(path, '{"manif');
    const torn = await json<{ data: { why: string }[] }>(1, 'backup', 'verify', id);
    expect(torn.data[0]!.why).toContain('its manifest is damaged or missing');
    await writeFile(path, text);
  });

  it('refuses to protect more of a container than Proxmox does, before anything of it is protected', async () => {
    await lab.edit((text) =>
      text.replace('  encryption_key_file', '  groups: [redis]\n  encryption_key_file'),
    );
    const runs: string[] = [];
    for (let turn = 0; turn < 6; turn++) {
      runs.push((await backup(0, '--only', 'containers,secrets', '--tier', 'father')).run);
      // Proxmox names archives by the second: of two in one the later would take the place of the other.
      await sleep(1_000);
    }
    await lab.edit((text) => text.replace('  groups: [redis]\n', ''));
    for (const run of runs.slice(0, 5)) await json(0, 'backup', 'protect', run);
    for (const more of [['--dry-run'], []]) {
      const sixth = await lab.psactl('backup', 'protect', runs[5]!, ...more);
      expect([sixth.code, sixth.stderr]).toEqual([
        ...[1, expect.stringMatching(/psa-redis-1 \(CT 320\) may have 5 on \S+ and has 5.*--off/s)],
      ]);
    }
    const marked = async () =>
      (await json<{ data: { run: string; protected: boolean }[] }>(0, 'backup', 'list')).data
        .filter((one) => runs.includes(one.run) && one.protected)
        .map(({ run }) => run);
    expect(await marked()).not.toContain(runs[5]);
    // What is protected already is no more than it was.
    await json(0, 'backup', 'protect', runs[0]!);
    await json(0, 'backup', 'protect', runs[0]!, '--off');
    await json(0, 'backup', 'protect', runs[5]!);
    expect(new Set(await marked())).toEqual(new Set(runs.slice(1)));
    for (const run of runs.slice(1)) await json(0, 'backup', 'protect', run, '--off');
  });

  it('protects what is there, and nothing while others are removed', async () => {
    for (const name of ['database-20200101T000000Z-aaaaaa', '20200101T000000Z-aaaaaa'])
      expect((await lab.psactl('backup', 'protect', name, '--dry-run')).code, name).toBe(10);
    expect((await lab.psactl('backup', 'protect', '')).code).toBe(2);
    // Of one day one stands for it: there is something to remove.
    await backup(0, '--only', 'secrets', '--tier', 'son');
    const what = { name: PRUNE_LOCK, what: 'psactl backup prune', signal: new AbortController().signal };
    await withClusterLock(lab.site, what, async () => {
      const refused = await lab.psactl('backup', 'protect', idOf(whole, /^database/));
      expect(refused).toMatchObject({ code: 11, stderr: expect.stringContaining('psactl backup prune') });
      expect((await lab.psactl('backup', 'prune', '--yes')).code).toBe(11);
    });
  });

  it('keeps what the policy says, and takes archives and manifests away together', async () => {
    await lab.edit((text) =>
      text.replace('  encryption_key_file', '  keep: { keep-last: 1 }\n  encryption_key_file'),
    );
    await lab.psactl('backup', 'protect', idOf(whole, /psa-redis-1/));
    const plan = await json<{ data: { remove: { id: string }[] } }>(0, 'backup', 'prune', '--dry-run');
    expect(plan.data.remove.length).toBeGreaterThan(5);
    await json(0, 'backup', 'prune', '--yes');
    const { data, orphans } = await list();
    expect(orphans).toEqual([]);
    const series = Map.groupBy(data, ({ id }) => id.replace(/-\d{8}T.*/, ''));
    // What is in the repository of the database goes by its own rule.
    for (const [name, of] of series)
      if (name !== 'pitr') expect([name, of.length]).toEqual([name, name === 'container-320' ? 2 : 1]);
    expect(data.map(({ id }) => id)).toContain(idOf(whole, /psa-redis-1/));
    expect((await json<{ data: { ok: boolean }[] }>(0, 'backup', 'verify')).data.every(({ ok }) => ok)).toBe(
      true,
    );
  });

  it('copies them into a folder, archives of containers too', async () => {
    const to = join(lab.dir, 'carried');
    const small = join(lab.dir, 'too-small');
    await mkdir(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small]);
    try {
      const full = await lab.psactl('backup', 'copy', '--to', join(small, 'there'), '--yes');
      expect(full).toMatchObject({ code: 1, stderr: expect.stringContaining('too little room') });
      expect(await readdir(small)).toEqual([]);
    } finally {
      execFileSync('umount', ['-l', small]);
    }
    for (const nowhere of ['', lab.inventory])
      expect((await lab.psactl('backup', 'copy', '--to', nowhere, '--yes')).code).toBe(2);
    // Left by one that was killed.
    await mkdir(to);
    const plan = await json<{ copy: { id: string }[] }>(0, 'backup', 'copy', '--to', to, '--dry-run');
    for (const { id } of plan.copy)
      await writeFile(join(to, `${artefactFile(id)}.part`), 'half of it', { mode: 0o600 });
    const release = await takeOwnerLock(lab.site.folder.file('copy-lock'));
    expect((await lab.psactl('backup', 'copy', '--to', to, '--yes')).code).toBe(11);
    await release();
    await json(0, 'backup', 'copy', '--to', to, '--yes');
    const { data } = await json<{ data: { state: string }[] }>(0, 'backup', 'list', '--from', to);
    expect(data.length).toBeGreaterThan(10);
    expect(new Set(data.map(({ state }) => state))).toEqual(new Set(['good']));
    const again = await json<{ data: { copy: object[] } }>(0, 'backup', 'copy', '--to', to, '--yes');
    expect(again.data.copy).toEqual([]);
    expect((await readdir(to)).filter((name) => name.endsWith('.part'))).toEqual([]);
  });
});
