import { expect, it } from 'vitest';
import { readLook } from './look.ts';
import { properties, readConfig, sizeGb } from './pve-config.ts';

const digest = 'a'.repeat(64);

it('reads what a container says about itself', () => {
  const text = `digest ${digest}
changed /etc/psa/tickets.env
missing /etc/motd
unit psa@tickets.service failed
unit prometheus-node-exporter.service active
current 0.1.0
installed 0.1.0
installed 0.2.0
ready {"status":"unready","database":false} 503
end
`;
  expect(readLook(text)).toEqual({
    digest,
    changed: ['/etc/psa/tickets.env'],
    missing: ['/etc/motd'],
    units: { 'psa@tickets.service': 'failed', 'prometheus-node-exporter.service': 'active' },
    ...{ current: '0.1.0', installed: ['0.1.0', '0.2.0'] },
    unready: '/ready answers 503 ({"status":"unready","database":false})',
  });
  expect(readLook('digest none\ncurrent \nready  000\nend')).toMatchObject({
    ...{ digest: null, current: null, unready: 'does not answer' },
  });
  expect(readLook('digest none\nready {"status":"ready"} 200\nend')).toMatchObject({ unready: null });
  expect(readLook(`digest ${digest}\nend\n`)).toMatchObject({ digest, unready: null, installed: [] });
  // Whoever was cut off has not said all.
  expect(readLook(`digest ${digest}\n`)).toBeNull();
});

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
      },
    }),
  ).toMatchObject({
    ...{ cores: 2, memory: 256, swap: 0, onboot: true, unprivileged: true, nesting: true, lock: 'backup' },
    ...{ tags: ['psa', 'vlan20'], rootStorage: 'shared', rootGb: 3, description: '' },
    net0: { name: 'eth0', tag: '20', ip: '10.0.20.30/24' },
  });
  expect(readConfig({ rootfs: 'volume=local-lvm:vm-1-disk-0,size=512M' })).toMatchObject({
    ...{ rootStorage: 'local-lvm', rootGb: 0.5, memory: 512, swap: 512, cores: null, lock: null },
  });
  expect(properties('a,b=c=d')).toEqual({ '': 'a', b: 'c=d' });
  expect([sizeGb('0T'), sizeGb('x'), sizeGb(undefined), sizeGb('1T')]).toEqual([null, null, null, 1024]);
});
