import { expect, it } from 'vitest';
import { exampleText } from './example.test-helper.ts';
import { loadInventory } from './load.ts';
import { canSnapshot, mayHold, STORAGE_KINDS, stepGb } from './storages.ts';

/** Field and message of what is wrong with an inventory whose shared storage is written otherwise. */
const problems = (storage: string) => {
  const text = exampleText.replace(/^( *- \{ name: local, ).*$/m, `      - { name: local, ${storage} }`);
  expect(text).not.toBe(exampleText);
  const loaded = loadInventory(text, 'x.yaml');
  return loaded.ok ? [] : loaded.errors.map(({ path, message }) => `${path}: ${message}`);
};

it('a storage holds what its kind can hold, and is shared as its kind is', () => {
  expect(problems('type: cephfs, shared: true, content: [vztmpl, rootdir]')).toContain(
    'sites[0].storages[0].content: A storage of type cephfs cannot hold rootdir.',
  );
  expect(problems('type: zfspool, shared: true, content: [rootdir], pool: tank')).toContain(
    'sites[0].storages[0].shared: A storage of type zfspool is one of each node.',
  );
  expect(problems('type: nfs, shared: false, content: [vztmpl], server: a, export: /b')).toContain(
    'sites[0].storages[0].shared: A storage of type nfs is the same on every node.',
  );
});

it('takes every kind of the table, with what Proxmox must know of it', () => {
  for (const good of [
    'type: cifs, shared: true, content: [backup], server: a, share: b, username: psa',
    'type: pbs, shared: true, content: [backup], server: a, datastore: b, username: psa@pbs',
    'type: lvm, shared: true, content: [rootdir], pool: san',
  ])
    expect(problems(good).filter((one) => one.includes('storages'))).toEqual([]);
  expect(problems('type: pbs, shared: true, content: [backup, rootdir], server: a')).toEqual(
    expect.arrayContaining([
      'sites[0].storages[0].datastore: A storage of type pbs needs datastore.',
      'sites[0].storages[0].username: A storage of type pbs needs username.',
      'sites[0].storages[0].content: A storage of type pbs cannot hold rootdir.',
    ]),
  );
});

it('knows by how much a disk may be larger than was asked for', () => {
  expect([stepGb('zfspool') * 1024 ** 2, stepGb('lvmthin') * 1024, stepGb('iscsi') * 1024]).toEqual([
    1, 4, 4,
  ]);
});

it('only disks that are no plain files have snapshots; btrfs is the exception', () => {
  const kinds = Object.entries(STORAGE_KINDS).map(([type, kind]) => ({ type: type as 'dir', kind }));
  expect(kinds.filter(({ type }) => canSnapshot(type)).map(({ type }) => type)).toEqual([
    'btrfs',
    'lvmthin',
    'zfspool',
    'rbd',
  ]);
  // Only what nodes do not share is copied in a move, and what has no snapshots moves without any.
  for (const { kind } of kinds) {
    expect(kind.move === null).toBe(kind.shared === 'always');
    if (kind.move === 'with-snapshots') expect(kind.snapshots).toBe(true);
  }
  for (const { type, kind } of kinds) expect(mayHold(type, 'rootdir')).toBe(kind.disk !== null);
});
