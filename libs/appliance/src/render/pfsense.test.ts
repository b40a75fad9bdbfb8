import { describe, expect, it } from 'vitest';
import { example } from '../inventory/example.test-helper.ts';
import { firewallPolicy } from './firewall-policy.ts';
import { expectGoldens } from './golden.test-helper.ts';
import { renderPfsense } from './pfsense.ts';
import { diffPfsense } from './pfsense-diff.ts';
import { run, written } from './run.test-helper.ts';

/** A config.xml with the rendered sections, as it is after they were taken over. */
function config(inventory = example()): string {
  const sections = renderPfsense(inventory).map((file) => file.text.replace(/^<\?xml.*\n<!--.*\n/, ''));
  return `<?xml version="1.0"?>\n<pfsense>\n<version>22.9</version>\n${sections.join('')}</pfsense>\n`;
}

describe('the firewall', () => {
  it('follows from the example inventory', async () => {
    await expectGoldens('pfsense/golden/config', renderPfsense(example()));
  });

  it('is well-formed XML to another parser', () => {
    const files = renderPfsense(example());
    const cwd = written(files);
    const script =
      'import sys\nfrom xml.etree import ElementTree as E\nfor f in sys.argv[1:]: print(E.parse(f).getroot().tag)';
    const parsed = run('python3', ['-c', script, ...files.map((file) => file.path)], {
      debian: 'python3',
      cwd,
    });
    expect(parsed.output.trim().split('\n')).toEqual([
      ...['vlans', 'interfaces', 'dhcpd', 'aliases', 'filter', 'nat', 'unbound'],
    ]);
  });

  it('has one rule per flow and port, and blocks the rest of each VLAN', () => {
    const inventory = example();
    const { rules, forwards, legs } = firewallPolicy(inventory);
    const count = (from: (name: string) => boolean) =>
      inventory.flows
        .filter((flow) => from(flow.from))
        .reduce((sum, flow) => sum + (flow.ports?.length ?? 1), 0);
    expect(rules.filter((rule) => rule.action === 'pass')).toHaveLength(count((name) => name !== 'internet'));
    expect(forwards.map((one) => `${one.port} ${one.target}`)).toEqual(['80 10.0.40.10', '443 10.0.40.10']);
    for (const leg of legs) {
      const here = rules.filter((rule) => rule.device === leg.device);
      expect(here.at(-1)).toMatchObject({
        action: 'block',
        source: 'any',
        destination: 'any',
        protocol: 'any',
      });
      expect(here.filter((rule) => rule.action === 'block')).toHaveLength(1);
    }
    const database = rules.filter((rule) => rule.device === 'igb1.30' && rule.action === 'pass');
    expect(database.map((rule) => `${rule.source} ${rule.destination} ${rule.port}`)).toEqual([
      'psa_postgres psa_ops 8432',
      'psa_database 10.0.30.1 53',
      'psa_database 10.0.30.1 123',
    ]);
  });

  it('lets a flow to the internet reach nothing private', () => {
    const { rules, aliases } = firewallPolicy(example());
    const toInternet = rules.filter((rule) => rule.description.includes('to internet'));
    expect(toInternet.length).toBeGreaterThan(0);
    for (const rule of toInternet) expect(rule.destination).toBe('!psa_private');
    expect(aliases.find((one) => one.name === 'psa_private')?.addresses).toContain('10.0.0.0/8');
  });

  it('has names that pfSense takes, also for long ones', () => {
    const inventory = example();
    inventory.name = 'appliance-of-the-msp';
    for (const { name } of firewallPolicy(inventory).aliases) expect(name).toMatch(/^[a-z0-9_]{1,31}$/);
    expect(new Set(firewallPolicy(inventory).aliases.map((one) => one.name)).size).toBe(
      firewallPolicy(example()).aliases.length,
    );
  });
});

describe('the diff against a config.xml', () => {
  const after = (before: string | RegExp, replacement: string) => {
    const text = config().replace(before, replacement);
    expect(text).not.toBe(config());
    return diffPfsense(text, example());
  };

  it('is empty after the sections were taken over', () => {
    expect(diffPfsense(config(), example())).toEqual([]);
  });

  it('tells interfaces apart by card and tag, whatever their key is', () => {
    expect(diffPfsense(config().replaceAll('opt20', 'opt3').replaceAll('opt30', 'lan'), example())).toEqual(
      [],
    );
  });

  it('names everything in a firewall that knows nothing of the appliance', () => {
    const found = diffPfsense(
      '<pfsense><interfaces><wan><if>igb0</if></wan></interfaces></pfsense>',
      example(),
    );
    expect(new Set(found.map((one) => one.kind))).toEqual(new Set(['missing']));
    expect(new Set(found.map((one) => one.section))).toEqual(
      new Set(['vlan', 'interface', 'dhcp', 'alias', 'rule', 'forward', 'host']),
    );
  });

  it('finds a rule that is gone', () => {
    expect(
      after(/<rule>(?:(?!<rule>)[\s\S])*psa_rabbitmq<\/address>\s*<port>5672[\s\S]*?<\/rule>/, ''),
    ).toEqual([
      {
        kind: 'missing',
        section: 'rule',
        name: 'igb1.20: pass tcp psa_services to psa_rabbitmq port 5672',
        wanted: 'enabled',
      },
    ]);
  });

  it('finds a rule that was turned off', () => {
    expect(after(/(<port>5672<\/port>\s*<\/destination>)/, '$1<disabled/>')).toEqual([
      {
        kind: 'different',
        section: 'rule',
        name: 'igb1.20: pass tcp psa_services to psa_rabbitmq port 5672',
        wanted: 'enabled',
        found: 'disabled',
      },
    ]);
  });

  it('finds a rule that someone added, on a VLAN, floating, or on another interface', () => {
    const rule = (where: string) =>
      `<filter><rule><type>pass</type>${where}<source><any/></source><destination><any/></destination></rule>`;
    const name = 'pass any any to any';
    expect(after('<filter>', rule('<interface>opt30</interface>'))).toEqual([
      { kind: 'extra', section: 'rule', name: `igb1.30: ${name}`, found: 'enabled' },
    ]);
    expect(after('<filter>', rule('<floating>yes</floating>'))).toEqual([
      { kind: 'extra', section: 'rule', name: `floating, any: ${name}`, found: 'enabled' },
    ]);
    expect(after('<filter>', rule('<interface>lan</interface>'))).toEqual([
      { kind: 'extra', section: 'rule', name: `lan: ${name}`, found: 'enabled' },
    ]);
  });

  it('leaves alone what has nothing to do with the appliance', () => {
    const foreign =
      '<filter><rule><type>pass</type><interface>lan</interface><protocol>tcp</protocol><source><any/></source><destination><address>192.168.7.7</address><port>22</port></destination></rule>';
    const host =
      '<unbound><hosts><host>printer</host><domain>office.lan</domain><ip>192.168.7.9</ip></hosts>';
    const alias =
      '<aliases><alias><name>printers</name><type>host</type><address>192.168.7.9</address></alias>';
    const text = config().replace('<filter>', foreign).replace('<unbound>', host).replace('<aliases>', alias);
    expect(diffPfsense(text, example())).toEqual([]);
  });

  it('finds a rule after the one that blocks the rest', () => {
    const allow =
      '<rule><type>pass</type><interface>opt50</interface><protocol>udp</protocol><source><any/></source><destination><any/></destination></rule></filter>';
    expect(after('</filter>', allow)).toEqual([
      { kind: 'extra', section: 'rule', name: 'igb1.50: pass udp any to any', found: 'enabled' },
      {
        kind: 'different',
        section: 'rule',
        name: 'igb1.50: block any any to any',
        wanted: 'the last rule of its interface',
        found: '1 rules after it',
      },
    ]);
  });

  it('finds an alias, an address, a forward, a name and a VLAN that were changed', () => {
    const difference = (before: string | RegExp, replacement: string) =>
      after(before, replacement).map(
        (one) => `${one.kind} ${one.section} ${one.name}: ${one.wanted} / ${one.found}`,
      );
    expect(difference('10.0.30.20 10.0.30.21 10.0.30.22', '10.0.30.20 10.0.30.21')).toEqual([
      'different alias psa_rabbitmq: host 10.0.30.20 10.0.30.21 10.0.30.22 / host 10.0.30.20 10.0.30.21',
    ]);
    expect(difference('<ipaddr>10.0.20.1<', '<ipaddr>10.0.20.254<')).toEqual([
      'different interface igb1.20: 10.0.20.1/24, enabled / 10.0.20.254/24, enabled',
    ]);
    expect(difference('<target>10.0.40.10<', '<target>10.0.40.12<')).toEqual([
      'different forward tcp 80: 10.0.40.10 / 10.0.40.12',
    ]);
    expect(difference('<host>psa-crm-1<', '<host>psa-crm-9<')).toEqual([
      'missing host psa-crm-1.psa.internal: 10.0.20.30 / undefined',
      'extra host psa-crm-9.psa.internal: undefined / 10.0.20.30',
    ]);
    expect(difference('<tag>50<', '<tag>51<')).toEqual([
      'different vlan igb1.50: tag 50 on igb1 / tag 51 on igb1',
    ]);
    expect(difference('<to>10.0.10.200<', '<to>10.0.10.250<')).toEqual([
      'different dhcp igb1.10: 10.0.10.100 to 10.0.10.200 / 10.0.10.100 to 10.0.10.250',
    ]);
  });

  it('refuses what is no config.xml', () => {
    expect(() => diffPfsense('<opnsense/>', example())).toThrow('begins with <opnsense>');
    expect(() => diffPfsense('<pfsense>', example())).toThrow(/line 1/);
  });
});
