import { createHash } from 'node:crypto';
import { siteOf } from '../inventory/expand.ts';
import type { Inventory } from '../inventory/schema.ts';
import type { Site } from '../inventory/site-schema.ts';
import { type FirewallPolicy, firewallPolicy, type Rule } from './firewall-policy.ts';
import { RENDERED, type RenderedFile } from './rendered-file.ts';
import { element, formatXml, type XmlElement } from './xml.ts';

/** The sections of pfSense's config.xml that follow from the inventory, one file each. */
export function renderPfsense(inventory: Inventory, site: Site = siteOf(inventory)): readonly RenderedFile[] {
  const policy = firewallPolicy(inventory, site);
  const sections = [
    vlans(policy),
    interfaces(policy),
    dhcp(policy),
    aliases(policy),
    filter(policy),
    nat(policy),
    unbound(policy),
  ];
  return sections.map((section) => ({
    path: `${section.name}.xml`,
    text: `<?xml version="1.0"?>\n<!-- ${RENDERED} -->\n${formatXml(section)}\n`,
  }));
}

function vlans({ trunk, legs }: FirewallPolicy): XmlElement {
  return element(
    'vlans',
    legs.map(({ vlan, device }) =>
      element('vlan', [
        element('if', trunk),
        element('tag', String(vlan.id)),
        element('pcp'),
        element('descr', vlan.name),
        element('vlanif', device),
      ]),
    ),
  );
}

function interfaces({ legs }: FirewallPolicy): XmlElement {
  return element(
    'interfaces',
    legs.map(({ vlan, key, device, bits }) =>
      element(key, [
        element('descr', vlan.name.toUpperCase().replaceAll('-', '_')),
        element('if', device),
        element('enable'),
        element('ipaddr', vlan.gateway),
        element('subnet', String(bits)),
        element('spoofmac'),
      ]),
    ),
  );
}

function dhcp({ legs }: FirewallPolicy): XmlElement {
  return element(
    'dhcpd',
    legs.flatMap(({ vlan, key }) =>
      vlan.dhcp
        ? [
            element(key, [
              element('enable'),
              element('range', [element('from', vlan.dhcp.from), element('to', vlan.dhcp.to)]),
            ]),
          ]
        : [],
    ),
  );
}

function aliases(policy: FirewallPolicy): XmlElement {
  return element(
    'aliases',
    policy.aliases.map((alias) =>
      element('alias', [
        element('name', alias.name),
        element('type', alias.type),
        element('address', alias.addresses.join(' ')),
        element('descr', alias.description),
      ]),
    ),
  );
}

function filter({ rules, legs }: FirewallPolicy): XmlElement {
  return element(
    'filter',
    rules.map((rule) =>
      element('rule', [
        element('tracker', tracker(rule)),
        element('type', rule.action),
        element('interface', legs.find((leg) => leg.device === rule.device)!.key),
        element('ipprotocol', rule.action === 'pass' ? 'inet' : 'inet46'),
        ...(rule.protocol === 'any' ? [] : [element('protocol', rule.protocol)]),
        element('source', end(rule.source, '')),
        element('destination', end(rule.destination, rule.port)),
        ...(rule.action === 'block' ? [element('log')] : [element('statetype', 'keep state')]),
        element('descr', rule.description),
      ]),
    ),
  );
}

function end(name: string, port: string): XmlElement[] {
  const who =
    name === 'any'
      ? [element('any')]
      : [element('address', name.replace(/^!/, '')), ...(name.startsWith('!') ? [element('not')] : [])];
  return [...who, ...(port === '' ? [] : [element('port', port)])];
}

/** pfSense tells rules apart by this number. It follows from the rule, so a rule keeps its counters. */
function tracker({ action, device, protocol, source, destination, port }: Rule): string {
  const text = [action, device, protocol, source, destination, port].join(' ');
  const hash = createHash('sha256').update(text).digest().readUInt32BE(0);
  return String(1_000_000_000 + (hash % 1_000_000_000));
}

function nat({ wan, forwards }: FirewallPolicy): XmlElement {
  return element(
    'nat',
    forwards.map(({ protocol, port, target, description }) =>
      element('rule', [
        element('source', [element('any')]),
        element('destination', [element('network', `${wan}ip`), element('port', port)]),
        element('ipprotocol', 'inet'),
        element('protocol', protocol),
        element('target', target),
        element('local-port', port.split('-')[0]),
        element('interface', wan),
        element('descr', description),
        // Lets in what it forwards; no second rule to keep in step.
        element('associated-rule-id', 'pass'),
      ]),
    ),
  );
}

function unbound({ hosts }: FirewallPolicy): XmlElement {
  return element(
    'unbound',
    hosts.map(({ host, domain, address, why }) =>
      element('hosts', [
        element('host', host),
        element('domain', domain),
        element('ip', address),
        element('descr', why),
        element('aliases'),
      ]),
    ),
  );
}
