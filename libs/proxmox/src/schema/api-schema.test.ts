import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { schema8, schema9 } from '../golden.test-helper.ts';
import { ApiSchema } from './api-schema.ts';
import type { PropertySchema } from './apidoc.ts';
import type { FieldErrors } from './check.ts';
import { checkFormat, isCheckedFormat } from './formats.ts';
import { perlPattern, splitList } from './perl.ts';

const errorsOf = (method: string, path: string, params = {}): FieldErrors => {
  const verdict = schema9.check(method, path, params);
  if (verdict.kind === 'unknown') throw new Error(`no such route ${path}`);
  return verdict.kind === 'valid' ? {} : verdict.errors;
};
const template = 'local:vztmpl/base_1.0_amd64.tar.zst';
const create = (params = {}) =>
  errorsOf('POST', '/nodes/pve1/lxc', { vmid: 101, ostemplate: template, ...params });

describe('routes', () => {
  it('finds every template by a path made of it, in both releases', () => {
    for (const schema of [schema9, schema8])
      for (const [path, methods] of Object.entries(schema.doc)) {
        const concrete = path.replaceAll(/\{[^}]+\}/g, 'x1');
        for (const method of Object.keys(methods)) expect(schema.find(method, concrete)?.template).toBe(path);
      }
  });

  it('prefers a fixed word to a placeholder', () => {
    expect(schema9.find('GET', '/cluster/ha/status/current')?.template).toBe('/cluster/ha/status/current');
    expect(schema9.find('GET', '/nodes/pve1/lxc/101/status/current')?.template).toBe(
      '/nodes/{node}/lxc/{vmid}/status/current',
    );
  });

  it('takes a volume with its slash encoded or plain', () => {
    const path = '/nodes/pve1/storage/shared/content/';
    for (const volume of ['shared%3Abackup%2Fx.tar', 'shared:backup/x.tar']) {
      const verdict = schema9.check('GET', path + volume);
      expect(verdict.kind === 'valid' && verdict.params.volume).toBe('shared:backup/x.tar');
    }
  });

  it('does not fall over a broken escape', () => {
    expect(schema9.check('GET', '/nodes/%zz/lxc').kind).toBe('unknown');
  });
});

describe('parameters', () => {
  it('says what is missing', () => {
    expect(errorsOf('POST', '/nodes/pve1/lxc', {})).toEqual({
      vmid: 'property is missing and it is not optional',
      ostemplate: 'property is missing and it is not optional',
    });
  });

  it('checks the path as it checks the rest', () => {
    expect(errorsOf('GET', '/nodes/pve_1/lxc')).toEqual({
      node: 'invalid format - value does not look like a valid node name\n',
    });
    expect(errorsOf('PUT', '/nodes/pve1/lxc/101/config', { vmid: 102 })).toEqual({
      vmid: 'duplicate parameter (already defined in URI) with conflicting values!',
    });
  });

  it.each([
    [{ cores: 0 }, { cores: 'value must have a minimum value of 1' }],
    [{ cores: 8193 }, { cores: 'value must have a maximum value of 8192' }],
    [{ memory: '12x' }, { memory: "type check ('integer') failed - got '12x'" }],
    [{ cpulimit: 'much' }, { cpulimit: "type check ('number') failed - got 'much'" }],
    [{ memory: 1.5 }, { memory: "type check ('integer') failed - got '1.5'" }],
    [{ unique: 1 }, { restore: "missing property required by 'unique'" }],
    [{ ostype: 'beos' }, { ostype: /^value 'beos' does not have a value in the enumeration 'debian, / }],
    [{ hostname: 'a'.repeat(256) }, { hostname: 'value may only be 255 characters long' }],
    [{ entrypoint: '' }, { entrypoint: 'value does not match the regex pattern' }],
    [{ storage: '1x!' }, { storage: "invalid format - storage ID '1x!' contains illegal characters\n" }],
    [{ tags: 'psa;a b!' }, { tags: 'invalid format - invalid characters in tag\n' }],
    [
      { nameserver: '10.0.0.1 10.0.0.256' },
      { nameserver: 'invalid format - value does not look like a valid IP address\n' },
    ],
    [{ mp1024: 'x' }, { mp1024: /^property is not defined/ }],
    [{ net32: 'name=eth0' }, { net32: /^property is not defined/ }],
    [{ 'net[n]': 'name=eth0' }, { 'net[n]': /^property is not defined/ }],
    [{ net00: 'name=eth0' }, { net00: /^property is not defined/ }],
    [
      { net1: 'bridge=vmbr0' },
      { net1: 'invalid format - format error\nnet1.name: property is missing and it is not optional\n' },
    ],
    [
      { net0: 'name=eth0,ip=10.0.0.1' },
      {
        net0: 'invalid format - format error\nnet0.ip: invalid format - value does not look like a valid ipv4 network configuration\n\n',
      },
    ],
    [{ net0: 'name=eth0,hwaddr=01:00:00:00:00:00' }, { net0: /unicast MAC address/ }],
    [{ net0: 'name=eth0,tag=4095' }, { net0: /net0\.tag: value must have a maximum value of 4094/ }],
    [
      { net0: 'name=eth0,name=eth1' },
      { net0: 'invalid format - duplicate key in comma-separated list property: name\n' },
    ],
    [
      { net0: 'eth0' },
      { net0: 'invalid format - value without key, but schema does not define a default key\n' },
    ],
    [{ mp0: 'shared:1,mp=/a/../b' }, { mp0: /contains illegal character sequences/ }],
    [
      { features: 'nesting=maybe' },
      { features: /features\.nesting: type check \('boolean'\) failed - got 'maybe'/ },
    ],
  ])('%j', (params, expected) => {
    const errors = create(params);
    for (const [key, message] of Object.entries(expected))
      if (message instanceof RegExp) expect(errors[key]).toMatch(message);
      else expect(errors[key]).toBe(message);
    expect(Object.keys(errors)).toEqual(Object.keys(expected));
  });

  it.each([
    { net0: 'name=eth0,bridge=vmbr0,ip=dhcp,tag=20,firewall=yes', net31: 'name=eth31' },
    { mp255: 'shared:8,mp=/data', dev0: '/dev/net/tun,mode=0666' },
    { startup: 'order=2,up=10,down=60', onboot: true, unprivileged: false },
    { tags: ['psa', 'lab'], nameserver: '10.0.0.1,fe80::1%eth0' },
  ])('takes %j', (params) => {
    expect(create(params)).toEqual({});
  });

  it.each([
    ['email', 'a~b+c@x-y.de', null],
    ['email', 'a@b_c.de', 'value does not look like a valid email address'],
    ['IPorCIDR', '10.0.0.7/8', null],
    ['IPorCIDR', '10.0.0.0/33', 'Prefix length 33 is longer than IP address (32)'],
    ['IPorCIDR', 'x', 'value does not look like a valid IP address or CIDR network'],
    ['IPorCIDRorAlias', 'dc/office', null],
    ['mac-prefix', 'BC:24:1', null],
    ['pve-dir-override', 'backup=my/backups', null],
    ['pve-dir-override', 'nope=x', "invalid content type 'nope'"],
    ['pve-dir-override', 'backup', "invalid override 'backup'"],
    ['pve-replication-job-id', '99-0', "invalid replication job id '99-0' (guest IDs < 100 are reserved)"],
    ['pve-replication-job-id', '101', "invalid replication job id '101'"],
    ['pve-storage-options', 'a b', "invalid options 'a b'"],
    ['pve-storage-path', '/mnt/my disk', null],
    ['pve-storage-server', '1 2', 'value does not look like a valid server name or IP address'],
    ['pve-storage-vgname', 'a/b', "lvm name 'a/b' contains illegal characters"],
    ['pve-vlan-id-or-range', '1-9', "invalid VLAN tag '1'"],
    ['pve-vlan-id-or-range', '9-2', "VLAN range must go from lower to higher tag '9-2'"],
    ['pve-vlan-id-or-range', 'x', "invalid VLAN configuration 'x'"],
    ['pve-volume-id', 'local:iso/a b.iso', null],
    ['pve-fw-addr-spec', '10.0.0.1-10.0.0.9', null],
    ['pve-fw-addr-spec', '10.0.0.1/8', `invalid IP address: Invalid prefix ${'00001010'.padEnd(31, '0')}1/8`],
    ['pve-fw-addr-spec', '10.0.0.300', 'invalid IP address: Invalid quad in IP address 10.0.0.300 - 300'],
    ['pve-fw-addr-spec', '10.0.0.1,::1', "detected mixed ipv4/ipv6 addresses in address list '10.0.0.1,::1'"],
    ['pve-fw-dport-spec', '80,443,8000:8100,http', null],
    ['pve-fw-dport-spec', '90:80', "backwards range '90:80' not allowed, did you mean '80:90'?"],
    ['pve-fw-sport-spec', '70000', "invalid port '70000'"],
    ['pve-fw-protocol-spec', 'tcpx', "unknown protocol 'tcpx'"],
    ['pve-fw-icmp-type-spec', 'nope', "invalid icmp-type value 'nope'"],
  ])('%s of %s', (format, text, message) => {
    expect(checkFormat(format, text)).toBe(message === null ? null : `${message}\n`);
  });

  it('takes lists as repeated keys, arrays as one value, and refuses an array elsewhere', () => {
    expect(errorsOf('POST', '/nodes/pve1/vzdump', { vmid: [101, 102], 'exclude-path': '/tmp' })).toEqual({});
    expect(errorsOf('PUT', '/cluster/options', { keyboard: ['de', 'fr'] })).toEqual({
      keyboard: "type check ('string') failed - got ARRAY",
    });
  });

  it('takes what psactl says of storages, rules, roles and jobs', () => {
    for (const [method, path, params] of [
      ['POST', '/cluster/ha/resources', { sid: 'ct:101', state: 'started', max_restart: 1 }],
      ['PUT', '/cluster/ha/resources/ct:101', { state: 'disabled' }],
      [
        'POST',
        '/cluster/backup',
        { schedule: 'mon..fri 02:30', all: true, storage: 'nas', 'prune-backups': 'keep-last=3' },
      ],
      [
        'POST',
        '/access/roles',
        { roleid: 'PsaCtl', privs: 'VM.Allocate,VM.Config.CPU,Datastore.AllocateSpace,SDN.Use' },
      ],
      ['PUT', '/access/acl', { path: '/vms', roles: 'PsaCtl', tokens: 'ops@pve!psactl', propagate: true }],
      ['POST', '/pools', { poolid: 'psa/lab', comment: 'ü' }],
      ['PUT', '/nodes/pve1/lxc/101/config', { delete: 'description,net1,mp0', digest: '0'.repeat(40) }],
      [
        'POST',
        '/nodes/pve1/lxc/101/remote_migrate',
        { 'target-endpoint': 'x', 'target-storage': '1', 'target-bridge': 'vmbr0:vmbr1' },
      ],
      [
        'POST',
        '/storage',
        { storage: 'nas', type: 'nfs', server: '10.0.50.2', export: '/b', content: 'backup,vztmpl' },
      ],
      [
        'POST',
        '/nodes/pve1/network',
        { iface: 'vmbr0', type: 'bridge', cidr: '10.0.10.11/24', gateway: '10.0.10.1' },
      ],
    ] as const)
      expect([path, errorsOf(method, path, params)]).toEqual([path, {}]);
  });

  it('knows what differs between the releases', () => {
    const rule = { rule: 'keep', type: 'node-affinity', resources: 'ct:101', nodes: 'pve1:2,pve2' };
    expect(schema9.check('POST', '/cluster/ha/rules', rule).kind).toBe('valid');
    expect(schema8.check('POST', '/cluster/ha/rules', rule).kind).toBe('unknown');
    expect(schema8.check('POST', '/cluster/ha/groups', { group: 'keep', nodes: 'pve1:2,pve2' }).kind).toBe(
      'valid',
    );
  });
});

describe('properties', () => {
  const paths = Object.entries(schema9.doc).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, doc]) => ({ path, method, doc })),
  );
  const route = fc.constantFrom(...paths);
  const concrete = (path: string) => path.replaceAll(/\{[^}]+\}/g, '101');
  const text = fc.oneof(
    fc.string(),
    fc.integer().map(String),
    fc.constantFrom('0', '1', '', '__proto__', 'a=b,c', '\0', ',,=', '10.0.0.1/24', 'ct:101'),
  );

  it('any request of any route gets a verdict, and a text for each wrong field', () => {
    fc.assert(
      fc.property(
        route,
        fc.dictionary(fc.oneof(fc.string(), fc.constant('__proto__')), text),
        text,
        (at, extra, value) => {
          const known = Object.fromEntries(
            Object.keys(at.doc.parameters?.properties ?? {}).map((key) => [key, value]),
          );
          const verdict = schema9.check(at.method, concrete(at.path), { ...known, ...extra });
          if (verdict.kind === 'invalid')
            for (const message of Object.values(verdict.errors)) expect(message).toMatch(/\S/);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('a parameter that the route does not know is refused, whatever it is', () => {
    fc.assert(
      fc.property(route, fc.stringMatching(/^[a-z]{3,12}-zz$/), (at, key) => {
        const verdict = schema9.check(at.method, concrete(at.path), { [key]: '1' });
        if (at.doc.parameters?.additionalProperties !== 0) return;
        expect(verdict.kind === 'invalid' && verdict.errors[key]).toMatch(
          /^property is not defined in schema/,
        );
      }),
    );
  });

  it('integers are held to their bounds, exactly', () => {
    fc.assert(
      fc.property(fc.integer({ min: -10, max: 10_000 }), (cores) => {
        expect(create({ cores }).cores === undefined).toBe(cores >= 1 && cores <= 8192);
      }),
    );
  });

  it('every member of an enumeration passes and nothing beside it', () => {
    const { enum: members = [] } = schema9.doc['/nodes/{node}/lxc']!.POST!.parameters!.properties!.ostype!;
    fc.assert(
      fc.property(
        fc.oneof(fc.constantFrom(...members.map(String)), fc.string({ minLength: 1 })),
        (ostype) => {
          expect(create({ ostype }).ostype === undefined).toBe(members.includes(ostype));
        },
      ),
    );
  });

  it('lists split where Perl splits them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z0-9]+$/)),
        fc.constantFrom(',', ';', ' ', ', '),
        (parts, by) => {
          expect(splitList(parts.join(by))).toEqual(parts);
        },
      ),
    );
  });
});

describe('a file that is no schema', () => {
  it.each([
    ['/nonexistent', 'Unable to read the API schema /nonexistent'],
    [join(import.meta.dirname, '../../package.json'), 'is no API schema of Proxmox VE: '],
    [import.meta.filename, 'Unable to read the API schema'],
  ])('%s', (file, message) => {
    expect(() => ApiSchema.fromFile(file)).toThrow(message);
  });
});

describe('what the schema asks for', () => {
  const collect = (visit: (schema: PropertySchema) => void) => {
    const walk = (schema: PropertySchema) => {
      visit(schema);
      if (typeof schema.format === 'object') Object.values(schema.format).forEach(walk);
      if (schema.properties) Object.values(schema.properties).forEach(walk);
      if (schema.items) walk(schema.items);
      schema.oneOf?.forEach(walk);
    };
    for (const { doc } of [schema9, schema8])
      for (const [path, methods] of Object.entries(doc))
        for (const method of Object.values(methods))
          if (
            /^\/nodes\/\{node\}\/(lxc|storage|tasks|vzdump|status)|^\/(cluster\/(ha|backup|resources|nextid|tasks|options)|pools|storage|access\/(ticket|acl|users|roles))/.test(
              path,
            )
          )
            if (method.parameters) walk(method.parameters);
  };

  it('every pattern compiles', () => {
    for (const { doc } of [schema9, schema8])
      for (const pattern of JSON.stringify(doc).matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g))
        expect(() => perlPattern(JSON.parse(pattern[1]!))).not.toThrow();
  });

  it('an atomic group stays fast and exact', () => {
    const pattern = perlPattern('((?>[+-]?[a-z]+,?)+)');
    expect(pattern.test('a,+b,-c')).toBe(true);
    expect(pattern.test(`${'a'.repeat(5000)}!`)).toBe(false);
  });

  it('every format of the routes that psactl uses is checked, but these', () => {
    const unchecked = new Set<string>();
    collect(({ format }) => {
      if (typeof format === 'string' && !isCheckedFormat(format)) unchecked.add(format);
    });
    // The link to another cluster: psactl uses none.
    expect([...unchecked].sort()).toEqual(['proxmox-remote']);
  });
});
