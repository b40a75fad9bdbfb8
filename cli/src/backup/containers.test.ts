import { describe, expect, it } from 'vitest';
import { copyModeOf, isWarning, readNotes } from './containers.ts';
import { deadBackup } from './dead-backup.ts';

describe('how a container is copied', () => {
  const facts = { isRunning: true, isManaged: false, plain: [] };
  const files = { ...facts, plain: ['shared'] };
  it('is by a snapshot where its disks can have one, whatever may stand still', () => {
    for (const allowed of ['none', 'suspend', 'stop'] as const)
      expect(copyModeOf(facts, allowed).mode).toBe('snapshot');
    expect(copyModeOf({ ...files, isRunning: false }, 'none').mode).toBe('stopped');
  });

  it('never stands still unless somebody has said that it may', () => {
    expect(copyModeOf(files, 'none')).toEqual({
      mode: null,
      why: 'shared can have no snapshot; it would have to stand still (backup.interruption: suspend)',
    });
    expect(copyModeOf(files, 'suspend').mode).toBe('suspend');
    expect(copyModeOf(files, 'stop').mode).toBe('stop');
  });

  it('is not by stopping what HA would start again', () => {
    expect(copyModeOf({ ...files, isManaged: true }, 'stop')).toMatchObject({ mode: null });
  });
});

it('an archive is ours by its notes alone', () => {
  expect(readNotes('psa 20261130T020000Z-3f9a2c son psa-redis-1')).toEqual({
    ...{ run: '20261130T020000Z-3f9a2c', tier: 'son', site: null },
  });
  expect(readNotes('psa 20261130T020000Z-3f9a2c son psa/main psa-redis-1')).toEqual({
    ...{ run: '20261130T020000Z-3f9a2c', tier: 'son', site: 'psa/main' },
  });
  expect(readNotes('psa 20261130T020000Z-3f9a2c safety psa-redis-1')).toMatchObject({ tier: null });
  for (const notes of [undefined, '', 'psa', 'nightly psa-redis-1', 'psa 20261130 son'])
    expect(readNotes(notes)).toBeNull();
});

it('what vzdump leaves out is kept as a warning, though it says so as an INFO', () => {
  const lines = [
    'INFO: backup mode: suspend',
    'INFO: temporary directory is on NFS, disabling xattr and acl support, consider configuring a local tmpdir via /etc/vzdump.conf',
    'INFO: mode failure - some volumes do not support snapshots',
    'INFO: Total bytes written: 215275520 (206MiB, 145MiB/s)',
  ];
  expect(lines.filter(isWarning)).toEqual(lines.slice(1, 3));
});

describe('what a backup has left', () => {
  const dat = '/mnt/pve/nas/dump/vzdump-lxc-320-2026_11_30-02_00_00.tar.dat';
  const facts = { lock: 'backup', paths: [dat], running: [] };
  const task = (type: string, id = '') => ({ type, id });

  it('is dead when none runs that may be of this container', () => {
    for (const running of [[], [task('vzmigrate', '320'), task('imgdel')], [task('vzdump', '321')]])
      expect(deadBackup(320, { ...facts, running })).toEqual({ lock: true, paths: [dat] });
    // Of many guests at once: its task names none.
    for (const running of [[task('vzdump')], [task('vzdump', '320')]])
      expect(deadBackup(320, { ...facts, running })).toEqual({ lock: false, paths: [] });
  });

  it('is the lock of a backup, and no other', () => {
    for (const lock of ['create', 'migrate', 'snapshot', 'rollback', 'disk', undefined])
      expect(deadBackup(320, { ...facts, lock }).lock).toBe(false);
  });

  it('is what was begun of this container, and never a whole archive, or what another one has', () => {
    const ours = [
      dat,
      '/var/lib/vz/dump/vzdump-lxc-320-2026_11_30-02_00_00.dat',
      '/var/lib/vz/dump/vzdump-lxc-320-2026_11_30-02_00_00.tmp',
      '/var/tmp/vzdumptmp4711_320',
    ];
    const others = [
      '/var/lib/vz/dump/vzdump-lxc-320-2026_11_30-02_00_00.tar.zst',
      '/var/lib/vz/dump/vzdump-lxc-320-2026_11_30-02_00_00.tar.zst.notes',
      '/var/lib/vz/dump/vzdump-lxc-3200-2026_11_30-02_00_00.tar.dat',
      '/var/lib/vz/dump/vzdump-qemu-320-2026_11_30-02_00_00.vma.dat',
      '/var/lib/vz/dump/vzdump-lxc-320-mine.tmp',
      '/var/tmp/vzdumptmp320_321',
      '/var/tmp/vzdumptmp4711_320/etc',
      '/vzdump-lxc-320-2026_11_30-02_00_00.tmp/..',
    ];
    expect(deadBackup(320, { ...facts, paths: [...others, ...ours] }).paths).toEqual(ours);
  });
});
