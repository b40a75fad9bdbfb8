import { expect, it } from 'vitest';
import { properties, readConfig, sizeGb } from './pve-config.ts';

it('reads the configuration of a container as Proxmox gives it', () => {
  expect(
    readConfig({
      ...{
        hostname: 'psa-crm-1',
        cores: 2,
        memory: 256,
        swap: 0,
        onboot: 1,
        unprivileged: 1,
        tags: 'psa;vlan20',
      },
      net0: 'name=eth0,bridge=vmbr0,hwaddr=BC:24:11:C5:61:36,ip=10.0.20.30/24,tag=20,type=veth',
      ...{
        rootfs: 'shared:230/vm-230-disk-0.raw,size=3G',
        features: 'nesting=1',
        digest: 'x',
        lock: 'backup',
        protection: 1,
        mp0: '/srv/files,mp=/srv',
        mp1: '/srv/shared,mp=/shared,shared=1',
        mp2: 'shared:230/vm-230-disk-1.raw,mp=/data',
        unused0: 'local-lvm:vm-230-disk-2',
        parent: 'before',
      },
    }),
  ).toMatchObject({
    ...{ cores: 2, memory: 256, swap: 0, onboot: true, unprivileged: true, nesting: true, lock: 'backup' },
    ...{ protected: true, isTemplate: false, binds: ['mp0'], hasSnapshots: true },
    volumes: ['shared:230/vm-230-disk-1.raw', 'shared:230/vm-230-disk-0.raw', 'local-lvm:vm-230-disk-2'],
    ...{ tags: ['psa', 'vlan20'], rootStorage: 'shared', rootGb: 3, description: '' },
    net0: { name: 'eth0', tag: '20', ip: '10.0.20.30/24' },
  });
  expect(readConfig({ rootfs: 'volume=local-lvm:vm-1-disk-0,size=512M' })).toMatchObject({
    ...{ rootStorage: 'local-lvm', rootGb: 0.5, memory: 512, swap: 512, cores: null, lock: null },
  });
  expect(properties('a,b=c=d')).toEqual({ '': 'a', b: 'c=d' });
  expect([sizeGb('0T'), sizeGb('x'), sizeGb(undefined), sizeGb('1T')]).toEqual([null, null, null, 1024]);
});
