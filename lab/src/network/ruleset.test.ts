import { siteOf } from '@psa/appliance/inventory/expand';
import type { Inventory } from '@psa/appliance/inventory/schema';
import { firewallPolicy } from '@psa/appliance/render/firewall-policy';
import { describe, expect, it } from 'vitest';
import { example } from './example.test-helper.ts';
import { renderRuleset } from './ruleset.ts';
import { legOf, OUTSIDE, WAN } from './topology.ts';

const rulesOf = (inventory: Inventory) =>
  renderRuleset(firewallPolicy(inventory, siteOf(inventory)), { leg: legOf, wan: WAN, outside: OUTSIDE });

const chain = (rules: string, name: string) =>
  new RegExp(`  chain ${name} \\{\n([^}]*(?:\\{[^}\n]*\\}[^}]*)*?)\n  \\}`).exec(rules)?.[1] ?? '';

describe('the rules of the lab', () => {
  const rules = rulesOf(example());

  it('let in what the internet may reach, by the public address alone', () => {
    expect(chain(rules, 'forwards')).toContain(
      'iifname "wan" ip daddr 203.0.113.1 tcp dport 443 dnat ip to 10.0.40.10',
    );
    expect(chain(rules, 'forward')).toContain('iifname "wan" ct status dnat accept');
  });

  it('have one rule per flow and port, on the interface it comes in by', () => {
    expect(chain(rules, 'forward')).toContain(
      'iifname "vlan40" ip saddr @psa_haproxy ip daddr @psa_postgres tcp dport 6432 accept',
    );
    expect(chain(rules, 'forward')).toContain(
      'iifname "vlan20" ip saddr @psa_services ip daddr != @psa_private tcp dport 587 accept',
    );
    expect(chain(rules, 'forward')).not.toContain('dport 53');
    expect(chain(rules, 'input')).toContain(
      'iifname "vlan30" ip saddr @psa_database ip daddr 10.0.30.1 udp dport 53 accept',
    );
    expect(chain(rules, 'input')).not.toContain('dport 5432');
  });

  it('drop senders that stand elsewhere', () => {
    expect(chain(rules, 'antispoof')).toContain(
      'iifname != { "lo", "vlan30" } ip saddr 10.0.30.0/24 counter drop',
    );
  });

  it('change with the flows', () => {
    const inventory = example();
    const flows = inventory.flows.filter((flow) => flow.to !== 'rabbitmq');
    const without = rulesOf({ ...inventory, flows });
    expect(rules).toContain('dport 15672');
    expect(without).not.toContain('dport 15672');
  });

  it('take every description of a flow', () => {
    const inventory = example();
    inventory.flows[0]!.why = `say "hello"; \\ ${'long '.repeat(60)}`;
    const lines = rulesOf(inventory).split('\n');
    const comments = lines.flatMap((line) => /comment "(.*)"$/.exec(line)?.[1] ?? []);
    expect(comments.length).toBeGreaterThan(40);
    for (const comment of comments) {
      expect(comment.length).toBeLessThanOrEqual(128);
      expect(comment).not.toMatch(/["\\]/);
    }
  });
});
