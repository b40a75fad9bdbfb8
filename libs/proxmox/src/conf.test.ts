import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ConfError,
  type LxcFeatures,
  type LxcMount,
  type LxcNet,
  parseFeatures,
  parseMount,
  parseNet,
  printFeatures,
  printMount,
  printNet,
} from './conf.ts';
import { exchanges, schema9 } from './golden.test-helper.ts';

const configs = exchanges
  .filter((one) => one.method === 'GET' && one.path.endsWith('/config') && one.status === 200)
  .map((one) => (one.body as { data: Record<string, string> }).data);

const option = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const word = fc.stringMatching(/^[a-z0-9][a-z0-9.-]*$/);
const flag = option(fc.boolean());
const mac = fc
  .array(fc.integer({ min: 0, max: 255 }), { minLength: 5, maxLength: 5 })
  .map((rest) => ['BC', ...rest.map((byte) => byte.toString(16).toUpperCase().padStart(2, '0'))].join(':'));
const address = fc.tuple(fc.ipV4(), fc.integer({ min: 8, max: 32 })).map(([ip, bits]) => `${ip}/${bits}`);

/** As it comes back from parsing: without what is not set. */
const set = <T extends object>(value: T) =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;

const nets: fc.Arbitrary<LxcNet> = fc
  .record({
    name: fc.stringMatching(/^eth[0-9]$/),
    bridge: option(fc.stringMatching(/^vmbr[0-9]{1,3}$/)),
    hwaddr: option(mac),
    ip: option(fc.oneof(address, fc.constantFrom('dhcp', 'manual'))),
    gw: option(fc.ipV4()),
    tag: option(fc.integer({ min: 1, max: 4094 })),
    trunks: option(fc.array(fc.integer({ min: 1, max: 4094 }), { minLength: 1, maxLength: 4 })),
    rate: option(fc.constantFrom(1, 12.5, 100)),
    mtu: option(fc.integer({ min: 576, max: 65535 })),
    firewall: flag,
    linkDown: flag,
    hostManaged: flag,
    type: option(fc.constant('veth')),
  })
  .map(set);
const mounts: fc.Arbitrary<LxcMount> = fc
  .record({
    volume: fc.tuple(word, word).map(([storage, name]) => `${storage}:${name}`),
    mp: option(word.map((path) => `/${path}`)),
    size: option(fc.integer({ min: 1, max: 999 }).map((size) => `${size}G`)),
    acl: flag,
    backup: flag,
    keepattrs: flag,
    quota: flag,
    replicate: flag,
    ro: flag,
    shared: flag,
    mountoptions: option(fc.subarray(['noatime', 'nodev', 'noexec', 'nosuid'], { minLength: 1 })),
  })
  .map(set);
const features: fc.Arbitrary<LxcFeatures> = fc
  .record({
    nesting: flag,
    keyctl: flag,
    fuse: flag,
    mknod: flag,
    forceRwSys: flag,
    mount: option(fc.subarray(['nfs', 'cifs'], { minLength: 1 })),
  })
  .map(set);

describe('property strings of a container', () => {
  it('every recorded one is printed as the cluster printed it', () => {
    const seen = { net: 0, mount: 0 };
    for (const config of configs)
      for (const [key, value] of Object.entries(config)) {
        if (/^net\d+$/.test(key)) expect(printNet(parseNet(value))).toBe(value);
        else if (/^(rootfs|mp\d+)$/.test(key)) expect(printMount(parseMount(value))).toBe(value);
        else if (key === 'features') expect(printFeatures(parseFeatures(value))).toBe(value);
        if (/^net\d/.test(key)) seen.net++;
        if (key === 'rootfs') seen.mount++;
      }
    expect(seen.net).toBeGreaterThan(2);
    expect(seen.mount).toBeGreaterThan(2);
  });

  it('reads a net0', () => {
    expect(parseNet('name=eth0,bridge=vmbr0,ip=10.50.0.101/24,tag=20,firewall=on,link_down=0')).toEqual({
      name: 'eth0',
      bridge: 'vmbr0',
      ip: '10.50.0.101/24',
      tag: 20,
      firewall: true,
      linkDown: false,
    });
  });

  it('reads a volume with or without its key', () => {
    expect(parseMount('size=8G,shared:101/vm-101-disk-0.raw')).toEqual(
      parseMount('volume=shared:101/vm-101-disk-0.raw,size=8G'),
    );
    expect(printMount({ volume: '/srv/a=b', mp: '/srv' })).toBe('volume=/srv/a=b,mp=/srv');
  });

  it('comes back as it was printed, and the schema takes it', () => {
    const takes = (params: Record<string, string>) =>
      schema9.check('PUT', '/nodes/pve1/lxc/101/config', params).kind === 'valid';
    fc.assert(
      fc.property(nets, mounts, features, (net, mount, feature) => {
        expect(parseNet(printNet(net))).toEqual(net);
        expect(parseMount(printMount(mount))).toEqual(mount);
        expect(parseFeatures(printFeatures(feature))).toEqual(feature);
        expect(takes({ net0: printNet(net), mp0: printMount({ mp: '/data', ...mount }) })).toBe(true);
        if (printFeatures(feature) !== '') expect(takes({ features: printFeatures(feature) })).toBe(true);
      }),
    );
  });

  it('keeps what a newer release adds', () => {
    expect(printNet(parseNet('name=eth0,zeta=1,alpha=x'))).toBe('name=eth0,alpha=x,zeta=1');
  });

  it.each([
    ['bridge=vmbr0', '"name" is missing'],
    ['name=eth0,tag=x', '"tag" is "x", not a number'],
    ['name=eth0,name=eth1', '"name" stands twice'],
    ['name=eth0,firewall=maybe', 'not 0 or 1'],
    ['eth0', 'has no key or no value'],
    ['name=', 'has no key or no value'],
  ])('refuses %s', (text, message) => {
    expect(() => parseNet(text)).toThrow(ConfError);
    expect(() => parseNet(text)).toThrow(message);
  });

  it('never prints a value that would read as two', () => {
    expect(() => printNet({ name: 'eth0', bridge: 'vmbr0,ip=dhcp' })).toThrow(ConfError);
  });
});
