import { afterAll, beforeAll, expect, it } from 'vitest';
import { answerTables, BAD, OK, type Row } from '../answers.test-helper.ts';
import { ApiBench, ROOT } from '../bench.test-helper.ts';

const DC = '/cluster/firewall';
const CT = '/nodes/pve1/lxc/101/firewall';
const HOST = '/nodes/pve1/firewall';
const digest = expect.stringMatching(/^[0-9a-f]{40}$/);

let bench: ApiBench;
beforeAll(async () => {
  bench = await ApiBench.open();
  expect(await bench.create('pve1', 101)).toBe('OK');
});
afterAll(() => bench.close());

const TABLES: Readonly<Record<string, readonly Row[]>> = {
  aliases: [
    ['POST', `${DC}/aliases`, { name: 'Office', cidr: '10.1.0.0/16', comment: 'c' }, OK, null],
    [
      'POST',
      `${DC}/aliases`,
      { name: 'office', cidr: '10.1.0.0/16' },
      BAD,
      { name: "alias 'office' already exists" },
    ],
    ['POST', `${DC}/aliases`, { name: 'x', cidr: '10.1.0.0/16' }, BAD, { name: expect.anything() }],
    [
      'POST',
      `${DC}/aliases`,
      { name: 'xx', cidr: 'nope' },
      BAD,
      { cidr: 'invalid format - value does not look like a valid IP address or CIDR network\n' },
    ],
    [
      'GET',
      `${DC}/aliases`,
      {},
      OK,
      [{ name: 'Office', cidr: '10.1.0.0/16', ipversion: 4, comment: 'c', digest }],
    ],
    ['GET', `${DC}/aliases/nope`, {}, BAD, { name: 'no such alias' }],
    ['PUT', `${DC}/aliases/office`, { cidr: '10.2.0.5/32', rename: 'desk' }, OK, null],
    ['GET', `${DC}/aliases/desk`, {}, OK, { name: 'desk', cidr: '10.2.0.5', ipversion: 4 }],
    [
      'PUT',
      `${DC}/aliases/desk`,
      { cidr: '10.2.0.5', digest: '0'.repeat(40) },
      '500 detected modified configuration - file changed by other user? Try again.',
    ],
    ['POST', `${CT}/aliases`, { name: 'own', cidr: 'fe80::/64' }, OK, null],
    [
      'GET',
      `${CT}/refs`,
      { type: 'alias' },
      OK,
      [
        { type: 'alias', name: 'desk', ref: 'desk', scope: 'dc' },
        { type: 'alias', name: 'own', ref: 'own', scope: 'guest' },
      ],
    ],
    ['DELETE', `${CT}/aliases/nope`, {}, OK, null],
  ],
  'sets of addresses': [
    ['POST', `${DC}/ipset`, { name: 'web', comment: 'w' }, OK, null],
    ['POST', `${DC}/ipset`, { name: 'web' }, BAD, { name: "IPSet 'web' already exists" }],
    ['POST', `${DC}/ipset/nope`, { cidr: '10.0.0.1' }, "500 no such IPSet 'nope'"],
    ['POST', `${DC}/ipset/web`, { cidr: '10.9.0.7/24' }, OK, null],
    [
      'POST',
      `${DC}/ipset/web`,
      { cidr: '10.9.0.0/24' },
      BAD,
      { cidr: "address '10.9.0.0/24' already exists" },
    ],
    [
      'POST',
      `${DC}/ipset/web`,
      { cidr: '0.0.0.0/0' },
      BAD,
      { cidr: 'a zero prefix is not allowed in ipset entries' },
    ],
    ['POST', `${DC}/ipset/web`, { cidr: 'dc/nope' }, "500 no such alias 'nope'"],
    ['POST', `${DC}/ipset/web`, { cidr: '2001:db8:0:0:1::5/64', nomatch: 1 }, OK, null],
    [
      'GET',
      `${DC}/ipset/web`,
      {},
      OK,
      [
        { cidr: '10.9.0.0/24', digest },
        { cidr: '2001:db8::/64', nomatch: 1, digest },
      ],
    ],
    ['GET', `${DC}/ipset/web/10.9.0.0%2F24`, {}, OK, { cidr: '10.9.0.0/24', digest }],
    ['PUT', `${DC}/ipset/web/10.8.0.0%2F24`, {}, BAD, { cidr: 'no such IP/Network' }],
    ['DELETE', `${DC}/ipset/web`, {}, "500 IPSet 'web' is not empty"],
    ['DELETE', `${DC}/ipset/web/2001:db8::%2F64`, {}, OK, null],
    ['GET', `${DC}/ipset`, {}, OK, [{ name: 'web', comment: 'w', digest }]],
  ],
  rules: [
    [
      'POST',
      `${DC}/rules`,
      { type: 'in', action: 'ACCEPT', macro: 'ssh', enable: 1, comment: 'k' },
      OK,
      null,
    ],
    ['POST', `${DC}/rules`, { type: 'in', action: 'DROP', source: 'desk' }, OK, null],
    [
      'GET',
      `${DC}/rules`,
      {},
      OK,
      [
        { type: 'in', action: 'DROP', source: 'desk', enable: 0, ipversion: 4, pos: 0, digest },
        { type: 'in', action: 'ACCEPT', macro: 'SSH', enable: 1, comment: 'k', pos: 1, digest },
      ],
    ],
    ['POST', `${DC}/rules`, { type: 'in' }, BAD, { action: 'property is missing and it is not optional' }],
    ['POST', `${DC}/rules`, { type: 'in', action: 'YES' }, BAD, { action: "unknown action 'YES'" }],
    [
      'POST',
      `${CT}/rules`,
      { type: 'forward', action: 'DROP' },
      BAD,
      { type: "invalid rule type 'forward' for rule_env 'ct'" },
    ],
    [
      'POST',
      `${CT}/rules`,
      { type: 'in', action: 'DROP', iface: 'eth0' },
      BAD,
      { iface: "value does not match the regex pattern 'net\\d+'" },
    ],
    [
      'POST',
      `${CT}/rules`,
      { type: 'in', action: 'DROP', dport: '22' },
      BAD,
      { proto: "missing property - 'dport' requires this property" },
    ],
    [
      'POST',
      `${CT}/rules`,
      { type: 'in', action: 'DROP', dport: '22', proto: 'gre' },
      BAD,
      { dport: "protocol 'gre' does not support ports" },
    ],
    [
      'POST',
      `${CT}/rules`,
      { type: 'in', action: 'DROP', macro: 'nope' },
      BAD,
      { macro: "unknown macro 'nope'" },
    ],
    [
      'POST',
      `${CT}/rules`,
      { type: 'in', action: 'DROP', macro: 'SSH', proto: 'udp' },
      BAD,
      { proto: "parameter 'proto' already define in macro (value = 'tcp')" },
    ],
    [
      'POST',
      `${CT}/rules`,
      { type: 'in', action: 'DROP', source: '+nope' },
      BAD,
      { source: "no such ipset 'nope'" },
    ],
    [
      'POST',
      `${CT}/rules`,
      { type: 'in', action: 'DROP', source: 'nope' },
      BAD,
      { source: "no such alias 'nope'" },
    ],
    [
      'POST',
      `${CT}/rules`,
      { type: 'in', action: 'DROP', source: '10.0.0.1', dest: '::1' },
      BAD,
      { dest: 'detected mixed ipv4/ipv6 addresses in rule' },
    ],
    ['PUT', `${DC}/rules/9`, { comment: 'x' }, '500 no rule at position 9'],
    ['PUT', `${DC}/rules/0`, { delete: 'nope' }, BAD, { delete: "no such property ('nope')" }],
    [
      'PUT',
      `${DC}/rules/0`,
      { delete: 'type' },
      BAD,
      { delete: "unable to delete required property 'type'" },
    ],
    ['PUT', `${DC}/rules/0`, { moveto: 2 }, OK, null],
    ['GET', `${DC}/rules/1`, {}, OK, { action: 'DROP', pos: 1 }],
    ['DELETE', `${DC}/rules/1`, {}, OK, null],
    ['GET', `${HOST}/rules`, {}, OK, []],
    ['GET', `${HOST}/rules/0`, {}, '500 no rule at position 0'],
  ],
  groups: [
    ['POST', `${DC}/groups`, { group: 'web', comment: 'g' }, OK, null],
    ['POST', `${DC}/groups`, { group: 'web' }, BAD, { group: "Security group 'web' already exists" }],
    ['GET', `${DC}/groups/nope`, {}, "500 no such security group 'nope'"],
    [
      'POST',
      `${DC}/groups/web`,
      { type: 'group', action: 'web' },
      BAD,
      { type: "invalid rule type 'group' for rule_env 'group'" },
    ],
    [
      'POST',
      `${DC}/groups/web`,
      { type: 'in', action: 'ACCEPT', proto: 'tcp', dport: '443', enable: 1 },
      OK,
      null,
    ],
    ['POST', `${CT}/rules`, { type: 'group', action: 'web', enable: 1 }, OK, null],
    ['DELETE', `${DC}/groups/web`, {}, "500 Security group 'web' is not empty"],
    ['POST', `${DC}/groups`, { group: 'www', rename: 'web' }, OK, null],
    ['GET', `${CT}/rules`, {}, OK, [{ type: 'group', action: 'www', enable: 1, pos: 0, digest }]],
    ['GET', `${DC}/groups`, {}, OK, [{ group: 'www', comment: 'g', digest }]],
  ],
  options: [
    ['PUT', `${DC}/options`, { enable: 0, policy_in: 'DROP' }, OK, null],
    ['GET', `${DC}/options`, {}, OK, { enable: 0, policy_in: 'DROP', digest }],
    ['PUT', `${DC}/options`, { delete: 'nope' }, BAD, { delete: "no such option 'nope'" }],
    ['PUT', `${DC}/options`, { delete: 'policy_in' }, OK, null],
    ['PUT', `${HOST}/options`, { log_level_in: 'info', ndp: 0 }, OK, null],
    ['GET', `${HOST}/options`, {}, OK, { log_level_in: 'info', ndp: 0, digest }],
    ['PUT', `${CT}/options`, { enable: 1, policy_in: 'LATER' }, BAD, { policy_in: expect.anything() }],
    ['GET', `${HOST}/log`, {}, OK, [{ n: 1, t: 'no content' }]],
  ],
};

answerTables(() => bench, TABLES);

it('a clone has the rules of its source, and none are left of a guest that is gone', async () => {
  await bench.task('POST', '/nodes/pve1/lxc/101/clone', { newid: 102, full: 1 }, { as: ROOT });
  expect(await bench.data('GET', '/nodes/pve1/lxc/102/firewall/rules', {}, { as: ROOT })).toHaveLength(1);
  expect(await bench.task('DELETE', '/nodes/pve1/lxc/102', {}, { as: ROOT })).toBe('OK');
  expect(await bench.data('GET', '/nodes/pve1/lxc/102/firewall/rules', {}, { as: ROOT })).toEqual([]);
});
