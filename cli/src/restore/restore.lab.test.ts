import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { labControl } from '@psa/lab/control';
import { artefactFile } from '@psa/recovery/artefact-name';
import { ensureBackupKey } from '@psa/recovery/key-file';
import type { SiteManifest } from '@psa/recovery/manifest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunResult } from '../backup/run-backup.ts';
import { backedUpLab, type FakeLab } from '../fake-lab.test-helper.ts';
import { runCli } from '../run-cli.test-helper.ts';
import { Cluster } from '../site/cluster.ts';

let lab: FakeLab;
let run: RunResult;
/** A backup of what was about to be overwritten. */
let saved: string;
beforeAll(async () => {
  ({ lab, run } = await backedUpLab());
}, 900_000);
afterAll(() => lab?.close(), 300_000);

const json = <T>(code: number, ...argv: string[]) => lab.json<T>(code, ...argv);
const refused = async (code: number, ...argv: string[]) => {
  const ran = await lab.psactl(...argv);
  expect(ran.code, ran.stdout + ran.stderr).toBe(code);
  return ran.stderr;
};
const folder = () => lab.site.folder.file('backups');
const idOf = (name: RegExp) => run.parts.find((part) => name.test(part.name))!.id!;
const cluster = () => new Cluster(lab.site, new AbortController().signal);
const file = (id: number, path: string) => ['sh', '-c', `cat ${path} 2>/dev/null || echo none`, String(id)];
const inside = async (id: number, path: string) => (await cluster().must(id, file(id, path))).trim();

/** Turns a bit in the middle of the archive of a container, where its storage has it. */
async function turnBit(id: string): Promise<() => Promise<void>> {
  const manifest = JSON.parse(
    await readFile(join(folder(), `${artefactFile(id)}.json`), 'utf8'),
  ) as SiteManifest;
  const { stdout } = await lab.site.shell.onNode(
    manifest.from.node!,
    'find it',
    `pvesm path ${manifest.volume!.volid}`,
  );
  const handle = await open(stdout.trim(), 'r+');
  const byte = Buffer.alloc(1);
  const at = manifest.bytes >> 1;
  const turn = async () => {
    await handle.read(byte, 0, 1, at);
    byte[0]! ^= 1;
    await handle.write(byte, 0, 1, at);
  };
  await turn();
  return async () => {
    await turn();
    await handle.close();
  };
}

/** Makes of an archive one that reads well to its end and cannot be unpacked: a file that is a folder further on. */
async function breakArchive(id: string): Promise<() => Promise<void>> {
  const path = join(folder(), `${artefactFile(id)}.json`);
  const text = await readFile(path, 'utf8');
  const manifest = JSON.parse(text) as SiteManifest;
  const { node } = manifest.from;
  const { stdout } = await lab.site.shell.onNode(node!, 'find it', `pvesm path ${manifest.volume!.volid}`);
  const file = stdout.trim();
  const whole = await readFile(file);
  const base = await mkdtemp(join(tmpdir(), 'psa-broken-'));
  try {
    const tar = join(base, 'x.tar');
    await writeFile(tar, zstdDecompressSync(whole));
    await writeFile(join(base, 'clash'), '');
    execFileSync('tar', ['-rf', tar, '-C', base, './clash']);
    await mkdir(join(base, 'two/clash'), { recursive: true });
    await writeFile(join(base, 'two/clash/inside'), '');
    execFileSync('tar', ['-rf', tar, '-C', join(base, 'two'), './clash/inside']);
    const broken = zstdCompressSync(await readFile(tar));
    await writeFile(file, broken);
    const sha256 = createHash('sha256').update(broken).digest('hex');
    await writeFile(path, JSON.stringify({ ...manifest, bytes: broken.length, sha256 }));
  } finally {
    await rm(base, { recursive: true });
  }
  return async () => {
    await writeFile(file, whole);
    await writeFile(path, text);
  };
}

describe('psactl restore container', { timeout: 600_000 }, () => {
  it('says what it would overwrite, and does so only after a backup of it', async () => {
    await cluster().must(320, ['sh', '-c', 'echo later >/root/later']);
    const plan = await json<{ replaces: object }>(0, 'restore', 'container', 'psa-redis-1', '--dry-run');
    expect(plan.replaces).toMatchObject({ state: 'running' });
    expect(await inside(320, '/root/later')).toBe('later');
    const { data } = await json<{ data: { safety: string } }>(0, 'restore', 'container', '320', '--yes');
    expect(await inside(320, '/root/later')).toBe('none');
    await json(0, 'restore', 'container', 'psa-redis-1', '--from', data.safety, '--yes');
    expect(await inside(320, '/root/later')).toBe('later');
    // The newest of all is what was just overwritten: that is not what "latest" means.
    expect(await json(0, 'restore', 'container', 'psa-redis-1', '--dry-run')).toMatchObject({
      backup: idOf(/psa-redis-1/),
    });
    saved = data.safety;
    // Nor does it push out what a run took, or stand for it: it is often of what had gone wrong.
    const pruned = await json<{ data: { remove: { id: string }[]; keep: { id: string }[] } }>(
      ...([0, 'backup', 'prune', '--dry-run'] as const),
    );
    expect(pruned.data.keep.map(({ id }) => id)).toEqual(
      expect.arrayContaining([idOf(/psa-redis-1/), data.safety]),
    );
    const read = await json<{ data: { id: string }[] }>(0, 'backup', 'verify');
    expect(read.data.map(({ id }) => id)).toContain(idOf(/psa-redis-1/));
    const { data: figures } = await json<{
      data: { series: { series: string; newest_good: { id: string } | null }[] };
    }>(0, 'backup', 'metrics');
    expect(figures.series.find(({ series }) => series === 'container-320')?.newest_good?.id).toBe(
      idOf(/psa-redis-1/),
    );
  });

  it('keeps the place of one that HA manages, and brings it up again', async () => {
    const before = await cluster().get<readonly object[]>('/cluster/ha/resources');
    await json(0, 'restore', 'container', 'psa-crm-1', '--from', run.run, '--yes');
    const after = await cluster().get<readonly { sid: string; state: string }[]>('/cluster/ha/resources');
    expect(after).toHaveLength(before.length);
    expect(after.find(({ sid }) => sid === 'ct:230')).toMatchObject({ state: 'started' });
    expect((await json<{ steps: object[] }>(0, 'plan')).steps).toEqual([]);
  });

  it('brings back one that is gone', async () => {
    const { node } = await cluster().need(320);
    await lab.site.client.run('POST', `/nodes/${node}/lxc/320/status/stop`);
    await lab.site.client.run('DELETE', `/nodes/${node}/lxc/320`, { purge: true });
    const { data } = await json<{ data: { replaces: null; safety: null } }>(
      0,
      'restore',
      'container',
      'psa-redis-1',
      ...['--from', saved, '--yes'],
    );
    expect(data).toMatchObject({ replaces: null, safety: null });
    expect(await inside(320, '/root/later')).toBe('later');
    expect((await json<{ steps: object[] }>(0, 'plan')).steps).toEqual([]);
  });

  it('puts one beside under another id and address, with its cable out, and is none of psactl', async () => {
    await json(0, 'restore', 'container', 'psa-redis-1', '--as', '940', '--address', '10.0.30.240', '--yes');
    const { node } = await cluster().need(940);
    const raw = await cluster().get<Record<string, string>>(`/nodes/${node}/lxc/940/config`);
    expect(raw.net0).toMatch(/ip=10\.0\.30\.240\/24/);
    expect(raw.net0).toMatch(/link_down=1/);
    expect(raw.description).not.toContain('appliance=');
    expect((await json<{ steps: object[] }>(0, 'plan')).steps).toEqual([]);
    expect(
      await refused(
        2,
        'restore',
        'container',
        'psa-redis-1',
        '--as',
        '940',
        '--address',
        '10.0.30.241',
        '--yes',
      ),
    ).toContain('there is one of that id');
  });

  it('refuses before it touches anything', async () => {
    const beside = ['restore', 'container', 'psa-redis-1', '--as', '941', '--yes'];
    expect(await refused(2, ...beside)).toContain('it would have that of the one that runs');
    expect(await refused(2, ...beside, '--address', '10.0.30.10')).toContain("that is psa-postgres-1's");
    for (const address of ['10.0.30.999', '192.168.7.7', '10.0.30.0', '10.0.30.255', '10.0.30.1'])
      expect(await refused(2, ...beside, '--address', address), address).toContain(
        'it is none for a container',
      );
    expect(
      await refused(
        2,
        'restore',
        'container',
        'psa-redis-1',
        '--as',
        '300',
        '--address',
        '10.0.30.99',
        '--yes',
      ),
    ).toContain("that is psa-postgres-1's");
    expect(await refused(10, 'restore', 'container', 'psa-nothing-1', '--yes')).toContain('"psa-nothing-1"');
    expect(
      await refused(10, 'restore', 'container', 'psa-redis-1', '--from', 'container-320-x', '--yes'),
    ).toContain('Unable to find the backup');
    expect(
      await refused(10, 'restore', 'container', 'psa-redis-1', '--from', idOf(/psa-postgres-1/), '--yes'),
    ).toContain('it holds no container that was asked for');
    // A bit of the archive is another: the one that runs goes on.
    const back = await turnBit(idOf(/psa-redis-1/));
    const said = await refused(
      1,
      'restore',
      'container',
      'psa-redis-1',
      '--from',
      idOf(/psa-redis-1/),
      '--yes',
    );
    await back();
    expect(said).toMatch(/does not restore|another SHA-256/);
    expect((await cluster().need(320)).status).toBe('running');
    expect(await inside(320, '/root/later')).toBe('later');
  });

  it('puts back what a restore has taken away that broke off', async () => {
    const back = await breakArchive(idOf(/psa-redis-1/));
    const said = await refused(
      1,
      ...['restore', 'container', 'psa-redis-1', '--from', idOf(/psa-redis-1/), '--yes'],
    );
    await back();
    expect(said).toContain('what was there before is back');
    expect(said).toMatch(/unable to restore CT 320/);
    expect((await cluster().need(320)).status).toBe('running');
    expect(await inside(320, '/root/later')).toBe('later');
    expect((await json<{ steps: object[] }>(0, 'plan')).steps).toEqual([]);
  });

  it('does not overwrite a container that is none of psactl', async () => {
    const { node } = await cluster().need(320);
    const path = `/nodes/${node}/lxc/320/config`;
    const { description = '' } = await cluster().get<{ description?: string }>(path);
    await cluster().write('PUT', path, { description: 'ours' });
    expect(await refused(1, 'restore', 'container', 'psa-redis-1', '--yes')).toContain(
      "CT 320 is none of psactl's",
    );
    await cluster().write('PUT', path, { description });
  });
});

describe('psactl restore pitr', { timeout: 600_000 }, () => {
  const ops = () => lab.site.containers.find(({ group }) => group === 'ops')!.id;

  it('plans from what can be had, and refuses what cannot', async () => {
    const plan = await json<{ window: { from: string }; base: string }>(
      0,
      ...['restore', 'pitr', '--to', 'latest', '--dry-run'],
    );
    expect(plan).toMatchObject({ to: 'latest', host: 'psa-ops-1', replaces: { bytes: 8_000_000 } });
    for (const [to, why] of [
      ['2020-01-01 10:00', 'The first copy of the database was complete at'],
      ['2099-01-01 10:00', 'It is in the future'],
      ['half past two', 'is no moment'],
      ['2026-10-25 02:30', 'twice or never'],
    ] as const)
      expect(await refused(2, 'restore', 'pitr', '--to', to, '--yes')).toContain(why);
    await cluster().must(ops(), ['sh', '-c', 'touch /var/lib/pgbackrest-missing-2']);
    expect(await refused(1, 'restore', 'pitr', '--to', 'latest', '--yes')).toContain('has a gap');
    await cluster().must(ops(), ['sh', '-c', 'rm /var/lib/pgbackrest-missing-2']);
    expect(plan.window.from).toMatch(/^20\d\d-/);
  });

  it('asks for the moment, loads what there was, and leaves nothing of it on the host', async () => {
    const to = new Date().toISOString();
    // One that was killed has left this, and somebody else's drill that.
    await cluster().must(ops(), [
      'sh',
      '-c',
      'mkdir -p /var/lib/psa-pitr/restore-old /var/lib/psa-pitr/drill-other',
    ]);
    const { data } = await json<{ data: object }>(
      0,
      ...['restore', 'pitr', '--to', to, '--as', 'look_here', '--yes'],
    );
    expect(data).toMatchObject({ to, as: 'look_here', replaces: null, tables: 1 });
    const last = await cluster().must(ops(), [
      'sh',
      '-c',
      'cat /var/lib/psa-pitr-last; ls /var/lib/psa-pitr',
    ]);
    expect(last.trim()).toBe(`${to.replace('T', ' ').replace('Z', '+00')}\ndrill-other`);
    expect(await json(0, 'restore', 'pitr', '--to', 'latest', '--yes')).toMatchObject({
      data: { replaces: { kept_as: expect.stringMatching(/^psa_platform_before_/) } },
    });
  });
});

describe('psactl restore config', { timeout: 300_000 }, () => {
  const to = () => join(lab.dir, 'looked-into');

  it('unpacks into a folder of its own, by an id or by the file alone, without any cluster', async () => {
    await json(0, 'restore', 'config', idOf(/^configurations/), '--to', to(), '--yes');
    expect(await readdir(to())).toEqual(
      expect.arrayContaining(['appliance.yaml', 'haproxy', 'postgres', 'proxmox']),
    );
    expect(await refused(1, 'restore', 'config', idOf(/^secrets/), '--to', to(), '--yes')).toContain(
      'it is not empty',
    );
    const secrets = join(folder(), artefactFile(idOf(/^secrets/)));
    const elsewhere = join(lab.dir, 'elsewhere');
    const env = { HOME: lab.dir, PSA_BACKUP_KEY: join(lab.dir, 'backup.key') };
    const ran = await runCli(['restore', 'config', secrets, '--to', elsewhere, '--yes'], env, { cwd: '/' });
    expect(ran.code, ran.stderr).toBe(0);
    expect(await readFile(join(elsewhere, 'site/secrets.json'), 'utf8')).toBe(
      await readFile(lab.site.folder.file('secrets.json'), 'utf8'),
    );
    expect(await readdir(elsewhere)).toContain('WHERE.txt');
  });

  it('refuses another key, a damaged artefact, and what is no file to look into', async () => {
    const secrets = join(folder(), artefactFile(idOf(/^secrets/)));
    const other = join(lab.dir, 'other.key');
    await ensureBackupKey(other);
    const place = join(lab.dir, 'nothing');
    const withKey = (key: string) =>
      runCli(['restore', 'config', secrets, '--to', place, '--yes'], { HOME: lab.dir, PSA_BACKUP_KEY: key });
    expect(await withKey(other)).toMatchObject({ code: 1, stderr: expect.stringContaining('another key') });
    await mkdir(join(lab.dir, 'copy'));
    const copy = join(lab.dir, 'copy', artefactFile(idOf(/^secrets/)));
    const content = await readFile(secrets);
    content[content.length >> 1]! ^= 1;
    await writeFile(copy, content);
    const noManifest = await runCli(['restore', 'config', copy, '--to', place, '--yes'], {
      PSA_BACKUP_KEY: other,
    });
    expect(noManifest).toMatchObject({ code: 10, stderr: expect.stringContaining('it has no manifest') });
    await copyFile(`${secrets}.json`, `${copy}.json`);
    const turned = await runCli(['restore', 'config', copy, '--to', place, '--yes'], {
      PSA_BACKUP_KEY: join(lab.dir, 'backup.key'),
    });
    expect(turned).toMatchObject({ code: 1, stderr: expect.stringContaining('another SHA-256') });
    expect(await readdir(lab.dir)).not.toContain('nothing');
    const database = join(folder(), artefactFile(idOf(/^database/)));
    const wrong = await runCli(['restore', 'config', database, '--to', place, '--yes'], {
      PSA_BACKUP_KEY: join(lab.dir, 'backup.key'),
    });
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('psactl restore database') });
  });
});

describe('psactl restore file', { timeout: 300_000 }, () => {
  it('brings a file out of the archive of a container, beside, and overwrites nothing', async () => {
    const out = join(lab.dir, 'os-release');
    const argv = ['restore', 'file', '/usr/lib/os-release', '--container', 'psa-redis-1', '--out', out];
    const from = ['--from', idOf(/psa-redis-1/)];
    expect(await json(0, ...argv, ...from, '--dry-run')).toMatchObject({
      bytes: 10,
      container: 'psa-redis-1',
    });
    expect(await readdir(lab.dir)).not.toContain('os-release');
    await json(0, ...argv, ...from, '--yes');
    expect(await readFile(out, 'utf8')).toBe('ID=debian\n');
    expect(await refused(1, ...argv, ...from, '--yes')).toContain('there is something');
  });

  it('refuses what is not in it, is no file, or is of a damaged archive', async () => {
    const file = (path: string, ...more: string[]) => [
      ...['restore', 'file', path, '--container', 'psa-redis-1', '--from', idOf(/psa-redis-1/)],
      ...['--out', join(lab.dir, 'none'), '--yes', ...more],
    ];
    expect(await refused(10, ...file('/etc/nothing'))).toContain('Unable to find /etc/nothing');
    expect(await refused(1, ...file('/usr/lib'))).toContain('it is no file');
    expect(await refused(2, ...file('/etc/hosts', '--ticket', '1'))).toContain('at once');
    expect(await refused(2, 'restore', 'file', 'plan.pdf', '--yes')).toContain('Unable to tell which file');
    const back = await turnBit(idOf(/psa-redis-1/));
    expect(await refused(1, ...file('/usr/lib/os-release'))).toContain('does not restore');
    await back();
    expect((await readdir(lab.dir)).filter((name) => /none|psa-restoring/.test(name))).toEqual([]);
  });
});

// The last: what stood on the node alone is gone.
describe('a node that was lost with its disks', { timeout: 600_000 }, () => {
  it('gets its containers back from the newest backup that was not on it', async () => {
    const { node } = await cluster().need(320);
    const take = async (tier: string) =>
      (
        await json<{ data: RunResult }>(0, 'backup', 'run', '--tier', tier, '--only', 'containers')
      ).data.parts.find(({ name }) => /psa-redis-1/.test(name))!.id!;
    const [shared, own] = [await take('father'), await take('son')];
    const control = labControl(lab.dir);
    const said = await control.loseDisks(node).catch((error: Error) => error.message);
    expect(said).toContain('has power');
    await control.killNode(node);
    // What HA has, it starts elsewhere.
    const resources = await cluster().get<readonly { sid: string }[]>('/cluster/ha/resources');
    await expect
      .poll(
        async () => {
          const guests = await cluster().get<readonly { vmid: number; node: string }[]>(
            '/cluster/resources',
            { type: 'vm' },
          );
          return guests.filter(
            (one) => one.node === node && resources.some(({ sid }) => sid === `ct:${one.vmid}`),
          );
        },
        { timeout: 120_000 },
      )
      .toEqual([]);
    await control.loseDisks(node);
    await control.startNode(node);
    expect(await cluster().find(320)).toBeNull();
    expect(await refused(1, 'restore', 'container', 'psa-redis-1', '--from', own, '--yes')).toContain(own);
    const { data } = await json<{ data: { backup: string; replaces: null; node: string } }>(
      0,
      ...['restore', 'container', 'psa-redis-1', '--yes'],
    );
    expect(data).toMatchObject({ backup: shared, replaces: null, node });
    // The others of the node that HA does not have are made anew.
    await json(0, 'apply', '--yes');
    expect((await json<{ steps: object[] }>(0, 'plan')).steps).toEqual([]);
  });
});
