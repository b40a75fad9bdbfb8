import { describe, expect, it } from 'vitest';
import { copyModeOf, isWarning, readNotes } from './containers.ts';
import { isDeadLock } from './dead-lock.ts';

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
    ...{ run: '20261130T020000Z-3f9a2c', tier: 'son' },
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

it('a lock is dead when it is that of a backup, and none runs on the node', () => {
  expect(isDeadLock({ lock: 'backup', running: ['vzmigrate', 'imgdel'] })).toBe(true);
  // Of many guests at once: its task names none.
  expect(isDeadLock({ lock: 'backup', running: ['vzdump'] })).toBe(false);
  for (const lock of ['create', 'migrate', 'snapshot', 'rollback', 'disk', undefined])
    expect(isDeadLock({ lock, running: [] })).toBe(false);
});
