import { expect, it } from 'vitest';
import { lxcConfig } from './lxc-config.ts';

it('a container sees the folders of its mount points at their paths', () => {
  const config = lxcConfig(
    {
      ...{ id: 101, node: 'pve1', hostname: 'ct101', searchDomain: null, nameservers: [], cards: [] },
      ...{ rootfs: '/disks/0', unprivileged: true, nesting: false },
      limits: { memoryMb: 64, swapMb: 0, cores: null },
      mounts: [
        { folder: '/disks/1', path: '/srv/data', isReadOnly: false },
        { folder: '/disks/2', path: 'opt/x', isReadOnly: true },
      ],
    },
    { containerGroup: 'c', monitorGroup: 'm', limitLines: [], links: [], plug: '/plug', folder: '/lxc/101' },
  );
  expect(config.split('\n').filter((line) => line.includes(' bind'))).toEqual([
    'lxc.mount.entry = /disks/1 srv/data none bind,create=dir 0 0',
    'lxc.mount.entry = /disks/2 opt/x none bind,create=dir,ro 0 0',
  ]);
});
