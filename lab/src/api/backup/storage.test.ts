import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ApiBench, ROOT } from '../bench.test-helper.ts';

let bench: ApiBench;
beforeAll(async () => {
  bench = await ApiBench.open();
});
afterAll(() => bench.close());

describe('uploads', () => {
  const body = 'a template';
  const sha256 = createHash('sha256').update(body).digest('hex');

  /** Puts a file where the transport puts it, and asks for the rest. */
  function upload(filename: string, more: Record<string, string> = {}, storage = 'local', node = 'pve1') {
    mkdirSync(join(bench.dir, 'tmp'), { recursive: true });
    writeFileSync(join(bench.dir, 'tmp', 'pveupload-0a'), body);
    const tmpfilename = '/var/tmp/pveupload-0a';
    return [
      'POST',
      `/nodes/${node}/storage/${storage}/upload`,
      { content: 'vztmpl', filename, tmpfilename, ...more },
    ] as const;
  }

  it('are checked, moved into place and listed', async () => {
    const sum = { 'checksum-algorithm': 'sha256', checksum: sha256 };
    expect(await bench.task(...upload('base-2.0.0.tar.zst', sum))).toBe('OK');
    const found = await bench.data('GET', '/nodes/pve1/storage/local/content', { content: 'vztmpl' });
    expect(found).toMatchObject([
      { volid: 'local:vztmpl/base-2.0.0.tar.zst', content: 'vztmpl', format: 'tzst', size: body.length },
    ]);
    const folder = await bench.lab.volumes.folder('pve1', 'local', 'vztmpl');
    expect(readFileSync(join(folder, 'base-2.0.0.tar.zst'), 'utf8')).toBe(body);
    expect(existsSync(join(bench.dir, 'tmp', 'pveupload-0a'))).toBe(false);
  });

  it('go to the node that is meant, whichever is asked', async () => {
    const request = upload('base-3.0.0.tar.gz', {}, 'local', 'pve2');
    const upid = await bench.data<string>(...request);
    expect(upid).toMatch(/^UPID:pve1:/);
    expect(await bench.lab.tasks.wait(upid)).toBe('OK');
    expect(readdirSync(await bench.lab.volumes.folder('pve2', 'local', 'vztmpl'))).toEqual([
      'base-3.0.0.tar.gz',
    ]);
  });

  it('that are wrong are refused and leave nothing', async () => {
    const wrong = { 'checksum-algorithm': 'sha256', checksum: '00' };
    expect(await bench.task(...upload('x.tar.zst', wrong))).toMatch(/^checksum mismatch: got /);
    expect(await bench.said(...upload('x.txt'))).toBe('400 Parameter verification failed.');
    expect(await bench.said(...upload('x.tar.zst', {}, 'local-lvm'))).toBe(
      "500 can't upload to storage type 'lvmthin'",
    );
    expect(await bench.said(...upload('x.iso', { content: 'iso' }))).toBe(
      "500 storage 'local' does not support 'iso' content",
    );
    expect(await bench.task(...upload('../../up.tar.zst'))).toBe('OK');
    const folder = await bench.lab.volumes.folder('pve1', 'local', 'vztmpl');
    expect(readdirSync(folder).sort()).toEqual(['base-2.0.0.tar.zst', 'up.tar.zst']);
    expect(existsSync(join(bench.dir, 'tmp', 'pveupload-0a'))).toBe(false);
  });

  it('can be removed again; what is not there is as good as removed', async () => {
    const path = (name: string) =>
      `/nodes/pve1/storage/local/content/${encodeURIComponent(`local:vztmpl/${name}`)}`;
    const root = { as: ROOT };
    expect(await bench.said('DELETE', path('up.tar.zst'))).toBe(
      '403 Permission check failed (/storage/local, Datastore.Allocate)',
    );
    expect(await bench.task('DELETE', path('up.tar.zst'), {}, root)).toBe('OK');
    expect(await bench.task('DELETE', path('up.tar.zst'), {}, root)).toBe('OK');
    expect(await bench.said('GET', path('..%2f..%2fcluster%2fuser.json'))).not.toMatch(/^200/);
    expect(await bench.said('GET', path('nope.tar.zst'))).toBe(
      "500 volume_size_info on 'local:vztmpl/nope.tar.zst' failed - no format",
    );
  });
});

describe('disks on a storage', () => {
  it('are on storages whose options change, and which come and go', async () => {
    const root = { as: ROOT };
    const said = (method: string, path: string, params = {}) => bench.said(method, path, params, root);
    const nas = { storage: 'nas', type: 'dir', path: '/srv/nas', content: 'backup' };
    expect(await said('POST', '/storage', { storage: 'nas', type: 'dir' })).toBe(
      "500 missing value for required option 'path'",
    );
    expect(await said('POST', '/storage', { ...nas, thinpool: 'pool' })).toBe(
      "500 unexpected property 'thinpool'",
    );
    expect(await bench.data('POST', '/storage', nas, root)).toEqual({ storage: 'nas', type: 'dir' });
    expect(await said('POST', '/storage', nas)).toBe(
      "500 create storage failed: storage ID 'nas' already defined",
    );
    expect(await bench.data('GET', '/nodes/pve1/storage/nas/status', {}, root)).toMatchObject({ enabled: 1 });
    await bench.data('PUT', '/storage/nas', { content: 'backup,iso', disable: 1 }, root);
    expect(await said('PUT', '/storage/nas', { delete: 'path' })).toBe(
      "500 update storage failed: unable to delete required option 'path'",
    );
    expect(await bench.data('GET', '/storage/nas', {}, root)).toMatchObject({
      content: 'backup,iso',
      disable: 1,
    });
    expect(await said('DELETE', '/storage/nas')).toBe('200 OK');
    await bench.network.partition('pve1');
    await bench.lab.membership.refresh();
    expect(await said('DELETE', '/storage/shared')).toBe(
      "500 delete storage failed: cfs-lock 'file-storage_cfg' error: no quorum!",
    );
    await bench.network.heal('pve1');
    await bench.lab.membership.refresh();
  });

  it('are listed with their guest', async () => {
    expect(await bench.create('pve1', 400, { rootfs: 'local-lvm:1' })).toBe('OK');
    expect(await bench.data('GET', '/nodes/pve1/storage/local-lvm/content')).toMatchObject([
      { volid: 'local-lvm:vm-400-disk-0', vmid: 400, content: 'rootdir', size: 1024 ** 3 },
    ]);
    expect(await bench.data('GET', '/nodes/pve2/storage/local-lvm/content')).toEqual([]);
    const path = '/nodes/pve1/storage/local-lvm/content/local-lvm:vm-400-disk-0';
    expect(await bench.said('DELETE', path.replaceAll('400', '499'))).toMatch(/^403 /);
  });
});

describe('snapshots', () => {
  const vmid = 401;
  const path = `/nodes/pve1/lxc/${vmid}/snapshot`;
  const data = async () =>
    join(await bench.lab.volumes.path('pve1', { storage: 'local-lvm', name: `vm-${vmid}-disk-0` }), 'data');
  const names = async () =>
    (await bench.data<{ name: string; parent?: string }[]>('GET', path)).map(
      ({ name, parent }) => `${parent ?? ''}>${name}`,
    );

  it('bring back disk and configuration, as often as wanted', async () => {
    expect(await bench.create('pve1', vmid, { rootfs: 'local-lvm:1' })).toBe('OK');
    await bench.task('POST', `/nodes/pve1/lxc/${vmid}/status/start`);
    writeFileSync(await data(), 'one');
    expect(await bench.task('POST', path, { snapname: 'one', description: 'first' })).toBe('OK');
    expect((await bench.lab.runtime.state('pve1', vmid)).state).toBe('running');
    writeFileSync(await data(), 'two');
    await bench.data('PUT', `/nodes/pve1/lxc/${vmid}/config`, { memory: 300 });
    expect(await bench.task('POST', path, { snapname: 'two' })).toBe('OK');
    expect(await names()).toEqual(['>one', 'one>two', 'two>current']);
    expect(await bench.task('POST', path, { snapname: 'two' })).toBe("snapshot name 'two' already used");
    expect(await bench.said('POST', path, { snapname: 'current' })).toContain('reserved name');

    expect(await bench.task('POST', `${path}/one/rollback`, { start: 1 })).toBe('OK');
    expect(readFileSync(await data(), 'utf8')).toBe('one');
    expect(await bench.data('GET', `/nodes/pve1/lxc/${vmid}/config`)).toMatchObject({ memory: 256 });
    expect((await bench.lab.runtime.state('pve1', vmid)).state).toBe('running');
    expect(await names()).toEqual(['>one', 'one>two', 'one>current']);
    expect(await bench.data('GET', `${path}/two/config`)).toMatchObject({ memory: 300 });

    expect(await bench.task('DELETE', `${path}/one`)).toBe('OK');
    expect(await names()).toEqual(['>two', '>current']);
    expect(await bench.task('POST', `${path}/two/rollback`)).toBe('OK');
    expect(readFileSync(await data(), 'utf8')).toBe('two');
    expect(await bench.task('POST', `${path}/one/rollback`)).toBe("snapshot 'one' does not exist");
  });

  it('need a storage that has them; without one the task says so', async () => {
    expect(await bench.create('pve1', 402)).toBe('OK');
    expect(await bench.task('POST', '/nodes/pve1/lxc/402/snapshot', { snapname: 'one' })).toBe(
      'snapshot feature is not available',
    );
    expect(bench.lab.guests.load('pve1', 402).conf.values).not.toHaveProperty('lock');
  });
});

describe('backup jobs', () => {
  beforeEach(() => bench.lab.files.remove('jobs.json'));
  const job = { id: 'nightly', schedule: '02:00', storage: 'local' };
  const root = { as: ROOT };

  it('are made, changed, listed and taken away', async () => {
    await bench.data('POST', '/cluster/backup', { ...job, all: 1, exclude: '400' }, root);
    const open = async () =>
      (await bench.data<{ vmid: number }[]>('GET', '/cluster/backup-info/not-backed-up')).map(
        (one) => one.vmid,
      );
    expect(await open()).toEqual([400]);
    const changes = { vmid: '400,401', enabled: 0, 'prune-backups': 'keep-last=3' };
    expect(await bench.said('PUT', '/cluster/backup/nightly', changes)).toBe(
      '500 403 Permission check failed (/storage/local, Datastore.Allocate)',
    );
    await bench.data('PUT', '/cluster/backup/nightly', changes, root);
    expect(await bench.data('GET', '/cluster/backup/nightly')).toEqual({
      ...job,
      ...{ type: 'vzdump', vmid: '400,401', enabled: 0, 'prune-backups': { 'keep-last': '3' } },
    });
    // One that is switched off counts as well.
    expect(await open()).not.toContain(400);
    await bench.data('DELETE', '/cluster/backup/nightly');
    expect(await open()).toContain(400);
    expect(await bench.data('GET', '/cluster/backup')).toEqual([]);
  });

  it('refuse what cannot be', async () => {
    const said = (params: Record<string, string | number>) =>
      bench.said('POST', '/cluster/backup', params, root);
    // Found out under the lock, where a refusal becomes plain words.
    expect(await said({ schedule: '02:00', storage: 'local' })).toBe(
      '500 400 Parameter verification failed.',
    );
    expect(await said({ ...job, all: 1, vmid: '400' })).toBe('500 400 Parameter verification failed.');
    expect(await said({ ...job, all: 1, dumpdir: '/tmp' })).toBe('400 Parameter verification failed.');
    expect(await bench.said('DELETE', '/cluster/backup/nope')).toBe('500 400 Parameter verification failed.');
    await bench.network.partition('pve1');
    await bench.lab.membership.refresh();
    expect(await said({ ...job, all: 1 })).toBe("500 cfs-lock 'file-jobs_cfg' error: no quorum!");
    await bench.network.heal('pve1');
    await bench.lab.membership.refresh();
  });
});

describe('storages that are made by the API', () => {
  const dir = { storage: 'x1', type: 'dir', path: '/mnt//x1/', content: 'rootdir,images,backup' };
  const as = { as: ROOT };

  it.each<[string, string, Record<string, string | number>, string]>([
    ['POST', '/storage', { ...dir, path: '/mnt/a b' }, '500 illegal path for directory storage: /mnt/a b'],
    [
      'POST',
      '/storage',
      { ...dir, content: 'none,iso' },
      "500 unable to combine 'none' with other content types",
    ],
    [
      'POST',
      '/storage',
      { storage: 'x2', type: 'lvmthin', vgname: 'vg', thinpool: 'pool', content: 'iso' },
      "500 storage does not support content type 'none'",
    ],
    [
      'POST',
      '/storage',
      { storage: 'x2', type: 'nfs', server: '10.0.0.1', export: '/x' },
      "500 create storage failed: storage 'x2' is not online",
    ],
    [
      'POST',
      '/storage',
      { storage: 'x2', type: 'nfs', server: '10.0.0.1', export: '/x', nodes: 'pve2' },
      '200 OK',
    ],
    [
      'POST',
      '/storage',
      { ...dir, storage: 'x3', 'create-base-path': 0 },
      "500 create storage failed: unable to activate storage 'x3' - directory '/mnt/x1' does not exist or is unreachable",
    ],
    ['POST', '/storage', dir, '200 OK'],
    ['POST', '/storage', dir, "500 create storage failed: storage ID 'x1' already defined"],
    [
      'PUT',
      '/storage/x1',
      { content: 'none,iso' },
      "500 update storage failed: unable to combine 'none' with other content types",
    ],
    ['GET', '/nodes/pve1/storage/x1/content', {}, '200 OK'],
  ])('%s %s %j: %s', async (method, path, params, said) => {
    expect(await bench.said(method, path, params, as)).toBe(said);
  });

  it('have room on every node, also for the next daemon', async () => {
    expect(await bench.data('GET', '/storage/x1', {}, as)).toMatchObject({ path: '/mnt/x1' });
    const guest = { vmid: 140, ostemplate: 'shared:vztmpl/base-1.0.0.tar', rootfs: 'x1:1' };
    expect(await bench.task('POST', '/nodes/pve1/lxc', guest, as)).toBe('OK');
    await bench.assemble();
    expect(await bench.task('POST', '/nodes/pve1/vzdump', { vmid: 140, storage: 'x1' }, as)).toBe('OK');
    const content = await bench.data<{ volid: string }[]>('GET', '/nodes/pve1/storage/x1/content', {}, as);
    expect(content.map(({ volid }) => volid)).toEqual([
      'x1:140/vm-140-disk-0.raw',
      expect.stringMatching(/^x1:backup\/vzdump-lxc-140-/),
    ]);
  });
});
