import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseUpid } from '@psa/proxmox/upid';
import { until } from '@psa/test-kit/until';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tidyGuests } from '../../guests/tidy.ts';
import { ApiBench, PSACTL, ROOT } from '../bench.test-helper.ts';

interface Entry {
  readonly volid: string;
  readonly vmid?: number;
  readonly notes?: string;
  readonly protected?: number;
  readonly mark?: string;
}

describe('backups', () => {
  let bench: ApiBench;
  const card = 'name=eth0,bridge=vmbr0,ip=10.0.20.9/24';

  beforeAll(async () => {
    bench = await ApiBench.open();
    for (const [vmid, storage] of [
      [300, 'local-lvm'],
      [301, 'shared'],
    ] as const)
      expect(await bench.create('pve1', vmid, { rootfs: `${storage}:1`, net0: card })).toBe('OK');
    expect(await bench.task('POST', '/nodes/pve1/lxc/300/status/start')).toBe('OK');
  });
  afterAll(() => bench.close());

  const folder = () => bench.lab.volumes.folder('pve1', 'local', 'backup');
  const root = (vmid: number, storage: string, disk = 0) =>
    bench.lab.volumes.path('pve1', { storage, name: `vm-${vmid}-disk-${disk}` });
  const config = (vmid: number) =>
    bench.data<Record<string, string>>('GET', `/nodes/pve1/lxc/${vmid}/config`);

  /** Backs up, at a second that no other backup has. @returns the volume and the log */
  async function dump(vmid: number, more: Record<string, string | number> = {}, as = PSACTL) {
    await sleep(1010 - (Date.now() % 1000));
    const params = { vmid, storage: 'local', compress: 'zstd', ...more };
    const upid = await bench.data<string>('POST', '/nodes/pve1/vzdump', params, { as });
    const status = await bench.lab.tasks.wait(upid);
    const log = bench.lab.tasks.lines(upid)!;
    const file = /vzdump-lxc-[^']+/.exec(log.find((line) => line.includes('creating vzdump')) ?? '')?.[0];
    return { status, log, file: file ?? '', volid: `local:backup/${file}` };
  }

  const backups = (vmid: number) =>
    bench.data<Entry[]>('GET', '/nodes/pve1/storage/local/content', { content: 'backup', vmid });

  it('are of a moment while the guest runs, with its configuration, a log and notes', async () => {
    writeFileSync(join(await root(300, 'local-lvm'), 'data'), 'before');
    const { status, log, file, volid } = await dump(300, {
      'notes-template': '{{guestname}} on {{node}}\\nok',
    });
    expect(status).toBe('OK');
    expect(log).toContain('INFO: backup mode: snapshot');
    expect(log).toContain("INFO: create storage snapshot 'vzdump'");
    expect(log.indexOf("INFO: cleanup temporary 'vzdump' snapshot")).toBeGreaterThan(
      log.findIndex((line) => line.startsWith('INFO: archive file size')),
    );
    const names = execFileSync('tar', ['-tf', join(await folder(), file)], { encoding: 'utf8' });
    expect(names.split('\n')).toEqual(expect.arrayContaining(['./etc/vzdump/pct.conf', './data']));
    expect(readFileSync(join(await folder(), file.replace('.tar.zst', '.log')), 'utf8')).toContain(
      'INFO: Finished Backup of VM 300',
    );
    expect(await backups(300)).toMatchObject([{ volid, notes: 'ct300 on pve1' }]);
    expect(await bench.data('GET', '/nodes/pve1/vzdump/extractconfig', { volume: volid })).toMatch(
      /^arch: amd64\ncores: 1\nhostname: ct300\n/,
    );
    expect((await bench.lab.runtime.state('pve1', 300)).state).toBe('running');
    expect(await config(300)).not.toHaveProperty('lock');
  });

  it('come back as a new guest, as the old one, and on another node', async () => {
    const { volid } = await dump(300);
    writeFileSync(join(await root(300, 'local-lvm'), 'data'), 'after');
    const restore = { restore: 1, ostemplate: volid, storage: 'local-lvm', pool: 'psa' };
    expect(await bench.task('POST', '/nodes/pve1/lxc', { vmid: 310, ...restore, unique: 1 })).toBe('OK');
    expect(await bench.task('POST', '/nodes/pve1/lxc', { vmid: 311, ...restore, memory: 512 })).toBe('OK');
    expect(readFileSync(join(await root(310, 'local-lvm'), 'data'), 'utf8')).toBe('before');
    const [was, drill, twin] = await Promise.all([config(300), config(310), config(311)]);
    expect(twin!.net0).toBe(was!.net0);
    expect(twin!.memory).toBe(512);
    expect(drill!.net0).not.toBe(was!.net0);
    expect(drill!.net0).toContain('ip=10.0.20.9/24');
    // With "unique" the cards of the backup count, and what the request says of them does not (seen on 9.2).
    const wished = { ...restore, net0: 'name=eth0,bridge=vmbr0,ip=10.0.50.9/24,tag=50,link_down=1' };
    expect(await bench.task('POST', '/nodes/pve1/lxc', { vmid: 314, ...wished, unique: 1 })).toBe('OK');
    expect((await config(314)).net0).toContain('ip=10.0.20.9/24');
    expect((await config(314)).net0).not.toContain('link_down');
    expect(await bench.task('POST', '/nodes/pve1/lxc', { vmid: 315, ...wished })).toBe('OK');
    const alone = (await config(315)).net0!;
    expect(alone).toMatch(/ip=10\.0\.50\.9\/24,link_down=1,tag=50/);
    expect(alone).not.toContain(/hwaddr=[0-9A-F:]+/.exec(was!.net0!)![0]);

    const again = { vmid: 300, ...restore, force: 1 };
    expect(await bench.said('POST', '/nodes/pve1/lxc', { vmid: 300, ...restore })).toBe(
      "500 CT 300 already exists on node 'pve1'",
    );
    expect(await bench.said('POST', '/nodes/pve1/lxc', again)).toBe("500 can't overwrite running container");
    expect(await bench.said('POST', '/nodes/pve2/lxc', again)).not.toMatch(/^200/);
    await bench.task('POST', '/nodes/pve1/lxc/300/status/stop');
    expect(await bench.task('POST', '/nodes/pve1/lxc', again)).toBe('OK');
    expect(readFileSync(join(await root(300, 'local-lvm', 1), 'data'), 'utf8')).toBe('before');
    expect((await config(300)).rootfs).toBe('local-lvm:vm-300-disk-1,size=1G');
    await expect(root(300, 'local-lvm')).rejects.toThrow('does not exist');
    // The backup is on a disk of pve1.
    expect(await bench.task('POST', '/nodes/pve2/lxc', { vmid: 312, ...restore })).toBe(
      `unable to restore CT 312 - volume '${volid}' does not exist`,
    );
    expect(bench.lab.guests.nodeOf(312)).toBeNull();
  });

  it('that are broken leave nothing behind, and the old guest as it was', async () => {
    const name = 'vzdump-lxc-300-2020_01_01-00_00_00.tar.zst';
    writeFileSync(join(await folder(), name), 'no archive');
    const before = await config(300);
    const restore = { restore: 1, ostemplate: `local:backup/${name}`, storage: 'local-lvm', pool: 'psa' };
    expect(await bench.task('POST', '/nodes/pve1/lxc', { vmid: 313, ...restore })).toMatch(
      /^unable to restore CT 313 - /,
    );
    expect(bench.lab.guests.nodeOf(313)).toBeNull();
    await expect(root(313, 'local-lvm')).rejects.toThrow('does not exist');
    expect(await bench.task('POST', '/nodes/pve1/lxc', { vmid: 300, force: 1, ...restore })).toMatch(
      /^unable to restore CT 300 - /,
    );
    expect(await config(300)).toEqual(before);
    expect(await bench.task('POST', '/nodes/pve1/lxc/300/status/start')).toBe('OK');
    await bench.task(
      'DELETE',
      `/nodes/pve1/storage/local/content/${encodeURIComponent(`local:backup/${name}`)}`,
    );
  });

  it('that break off while they are read take the old guest with them', async () => {
    const from = { restore: 1, ostemplate: (await dump(300)).volid, storage: 'local-lvm', pool: 'psa' };
    expect(await bench.task('POST', '/nodes/pve1/lxc', { vmid: 316, ...from })).toBe('OK');
    writeFileSync(join(await root(300, 'local-lvm', 1), 'bulk'), Buffer.alloc(1_000_000, 'x'));
    const { volid, file } = await dump(300, { compress: '0' });
    const whole = readFileSync(join(await folder(), file));
    writeFileSync(join(await folder(), file), whole.subarray(0, whole.length >> 1));
    const restore = { restore: 1, ostemplate: volid, storage: 'local-lvm', pool: 'psa' };
    expect(await bench.task('POST', '/nodes/pve1/lxc', { vmid: 316, ...restore, force: 1 })).toMatch(
      /^unable to restore CT 316 - /,
    );
    expect(bench.lab.guests.nodeOf(316)).toBeNull();
    await expect(root(316, 'local-lvm')).rejects.toThrow('does not exist');
    await bench.task('DELETE', `/nodes/pve1/storage/local/content/${encodeURIComponent(volid)}`);
    await bench.task('DELETE', `/nodes/pve1/storage/local/content/${encodeURIComponent(from.ostemplate)}`);
  });

  it('of a storage without snapshots let the guest pause; those of mode stop let it end and start again', async () => {
    await bench.task('POST', '/nodes/pve1/lxc/301/status/start');
    const paused = await dump(301);
    expect(paused.log).toContain("INFO: trying 'suspend' mode instead");
    expect((await bench.lab.runtime.state('pve1', 301)).state).toBe('running');
    const pid = (await bench.lab.runtime.state('pve1', 301)).pid;
    const ended = await dump(301, { mode: 'stop', compress: '0' });
    expect(ended.file).toMatch(/\.tar$/);
    expect(ended.log).toContain('INFO: restarting vm');
    const after = await bench.lab.runtime.state('pve1', 301);
    expect(after.state).toBe('running');
    expect(after.pid).not.toBe(pid);
  });

  it('go by retention, but never the protected ones', async () => {
    const first = await dump(301);
    const path = `/nodes/pve1/storage/local/content/${encodeURIComponent(first.volid)}`;
    await bench.data('PUT', path, { protected: 1, notes: 'kept' });
    expect(await bench.task('DELETE', path)).toBe(
      `cannot remove protected volume 'backup/${first.file}' on 'local'`,
    );
    await dump(301);
    const last = await dump(301, { 'prune-backups': 'keep-last=1' }, ROOT);
    expect(last.log.filter((line) => line.includes('removing backup'))).toHaveLength(3);
    expect((await backups(301)).map((one) => one.volid)).toEqual([first.volid, last.volid]);
    const judged = { 'prune-backups': 'keep-daily=1', vmid: 301 };
    expect(await bench.data('GET', '/nodes/pve1/storage/local/prunebackups', judged)).toMatchObject([
      { volid: first.volid, mark: 'protected' },
      { volid: last.volid, mark: 'keep' },
    ]);
    // Backups of other guests are untouched, and their logs go with them.
    expect(await backups(300)).toHaveLength(2);
    await bench.data('PUT', path, { protected: 0 });
    expect(await bench.task('DELETE', path)).toBe('OK');
    expect(readdirSync(await folder()).filter((name) => name.startsWith(first.file.slice(0, -8)))).toEqual(
      [],
    );
    expect(await bench.said('DELETE', '/nodes/pve1/storage/local/prunebackups', {})).toMatch(/^403 /);
  });

  it('that are aborted leave the lock, as on a real node', async () => {
    bench.runtime.deaf.add(301);
    const upid = await bench.data<string>('POST', '/nodes/pve1/vzdump', {
      ...{ vmid: 301, storage: 'local', mode: 'stop' },
    });
    while (!bench.lab.tasks.lines(upid)!.includes('INFO: stopping virtual guest')) await sleep(10);
    await bench.data('DELETE', `/nodes/pve1/tasks/${upid}`, {}, { as: ROOT });
    expect(await bench.lab.tasks.wait(upid)).toBe('unexpected status');
    expect((await config(301)).lock).toBe('backup');
    expect(await bench.said('PUT', '/nodes/pve1/lxc/301/config', { memory: 200 })).toBe(
      '500 CT is locked (backup)',
    );
    const blocked = await dump(301);
    expect([blocked.status, blocked.log]).toEqual([
      'job errors',
      expect.arrayContaining(['ERROR: Backup of VM 301 failed - CT is locked (backup)']),
    ]);
  });

  it('that are killed leave lock, snapshot and what they had written, and the next one is whole', async () => {
    expect((await bench.lab.runtime.state('pve1', 300)).state).toBe('running');
    const disk = (await config(300)).rootfs!.split(/[:,]/)[1]!;
    writeFileSync(join(await root(300, 'local-lvm', Number(disk.at(-1))), 'bulk'), randomBytes(3_000_000));
    const params = { vmid: 300, storage: 'local', compress: 'zstd', mode: 'snapshot', bwlimit: 1_500 };
    const upid = await bench.data<string>('POST', '/nodes/pve1/vzdump', params, { as: ROOT });
    const left = async () =>
      readdirSync(await folder()).filter(
        (name) => name.startsWith('vzdump-lxc-300-') && /t(mp|\.dat|ar\.dat)$/.test(name),
      );
    await until(async () => (await left()).some((name) => name.endsWith('.tar.dat')));
    process.kill(parseUpid(upid)!.pid, 'SIGKILL');
    expect(await bench.lab.tasks.wait(upid)).toBe('unexpected status');
    const names = await left();
    expect(names.map((name) => name.replace(/.*\d/, '')).sort()).toEqual(['.tar.dat', '.tmp']);
    const before = statSync(join(await folder(), names.find((name) => name.endsWith('.dat'))!)).size;
    expect((await config(300)).lock).toBe('backup');
    expect(await backups(300)).not.toContainEqual(expect.objectContaining({ size: before }));
    // tar and zstd go on without it, and nobody gives what they make its name.
    const size = async () =>
      statSync(join(await folder(), names.find((name) => name.endsWith('.dat'))!)).size;
    await until(async () => (await size()) > 2_900_000, 10_000);
    expect(await left()).toEqual(names);
    bench.lab.guests.update('pve1', 300, (conf) => {
      delete conf.values.lock;
    });
    expect((await dump(300)).status).toBe('OK');
    expect(await left()).toEqual(names);
  });

  it('and snapshots that died with the daemon leave no guest frozen, and no disk of a restore', async () => {
    const values = () => bench.lab.guests.load('pve1', 300).conf.values;
    const volume = { storage: 'local-lvm', name: 'vm-300-disk-2' };
    await bench.lab.runtime.freeze('pve1', 300);
    await bench.lab.volumes.create('pve1', volume, { archive: null, unprivileged: true, sizeBytes: 1 });
    for (const lock of ['create', 'snapshot']) {
      bench.lab.guests.update('pve1', 300, (conf) => {
        conf.values.lock = lock;
      });
      await tidyGuests(bench.lab, () => undefined);
      expect(values()).not.toHaveProperty('lock');
    }
    expect((await bench.lab.runtime.state('pve1', 300)).state).toBe('running');
    expect(await bench.lab.volumes.exists('pve1', volume)).toBe(false);
    expect(await bench.lab.volumes.exists('pve1', { ...volume, name: 'vm-300-disk-1' })).toBe(true);
  });

  it('are asked for only by whom may', async () => {
    bench.lab.access.addToken('other@pve', 'x', { privsep: false, secret: 's' });
    const as = 'PVEAPIToken=other@pve!x=s';
    expect(await bench.said('POST', '/nodes/pve1/vzdump', { vmid: 300, storage: 'local' }, { as })).toMatch(
      /^403 Permission check failed/,
    );
    const list = { content: 'backup' };
    expect(await bench.said('GET', '/nodes/pve1/storage/local/content', list, { as })).toMatch(/^403 /);
  });
});
