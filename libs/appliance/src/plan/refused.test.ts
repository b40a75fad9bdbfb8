import { describe, expect, it } from 'vitest';
import { example } from '../inventory/example.test-helper.ts';
import { config, desired, having, ids, whole, wish } from './cases.test-helper.ts';
import type { ObservedConfig } from './observed.ts';
import { plan } from './plan.ts';
import { refusedRule } from './refusals.ts';

describe('a plan', () => {
  it('sees what Proxmox is sure to refuse before anything is touched', () => {
    const next = example();
    for (const template of next.templates) template.version = '99.0.0';
    const upgrade = (change: Partial<ObservedConfig>) => plan(wish(next), config(210, change));
    for (const [change, words] of [
      [{ protected: true }, /psa-gateway-1 .*protected.*pct set 210 --protection 0/],
      [{ lock: 'backup' }, /psa-gateway-1 .*locked \(backup\).*pct unlock 210/],
    ] as const) {
      const found = upgrade(change);
      expect(found.steps.filter(({ container }) => container === 210)).toEqual([]);
      expect(found.notes.join('\n')).toMatch(words);
      expect(ids(found)).toContain('replace:ct:211');
    }
    const less = example();
    less.services.find(({ name }) => name === 'tickets')!.replicas = 2;
    expect(ids(plan(wish(less), config(242, { protected: true })))).not.toContain('remove:ct:242');
    expect(plan(desired, config(240, { isTemplate: true })).problems).toMatchObject([
      { target: 'psa-tickets-1 (CT 240)', message: /turned into a template/ },
    ]);
    const bound = having(config(310, { binds: ['mp0'] }), 310, (guest) => ({ ...guest, node: 'pve1' }));
    const away = having(bound, 310, (guest) => ({ ...guest, node: guest.node === 'pve1' ? 'pve2' : 'pve1' }));
    for (const found of [plan(desired, bound), plan(desired, away)]) {
      expect(ids(found)).not.toContain('move:ct:310');
    }
    expect([...plan(desired, bound).notes, ...plan(desired, away).notes].join()).toMatch(/does not move mp0/);
  });

  it('moves nothing that Proxmox would shut down and then not move', () => {
    const home = whole.guests.find(({ id }) => id === 310)!.node;
    const at = ['pve1', 'pve2', 'pve3'].find((node) => node !== home)!;
    const moved = (change: Partial<ObservedConfig>, storages = whole.storages) => {
      const away = having(config(310, change), 310, (guest) => ({ ...guest, node: at }));
      const found = plan(desired, { ...away, storages });
      return ids(found).includes('move:ct:310')
        ? 'moves'
        : found.notes.find((one) => one.includes(' stays on '));
    };
    const kind = (type: string, more: object = {}) =>
      whole.storages.map((one) => (one.name === 'local-lvm' ? { ...one, type, ...more } : one));
    expect(moved({})).toBe('moves');
    // Snapshots are copied from ZFS and btrfs, and with what nodes share there is nothing to copy.
    expect(moved({ hasSnapshots: true })).toMatch(/has snapshots.*lvmthin.*pct delsnapshot 310/);
    expect(moved({ hasSnapshots: true }, kind('zfspool'))).toBe('moves');
    expect(moved({ hasSnapshots: true, volumes: ['shared:310/vm-310-disk-0.raw'] })).toBe('moves');
    expect(moved({}, kind('lvmthin', { nodes: [at] }))).toMatch(`storage that ${home} does not have`);
    expect(moved({}, kind('lvmthin', { content: ['images'] }))).toMatch(/--content images,rootdir/);
    expect(moved({}, kind('rbd'))).toMatch(/type rbd that nodes do not share/);
    expect(moved({ volumes: ['local-lvm:base-900-disk-0/vm-310-disk-0'] })).toMatch(/stands on .* template/);
    // Of what it may not see it says nothing.
    expect(moved({ hasSnapshots: true }, [])).toBe('moves');
  });

  it('removes no template that the disks of others stand on', () => {
    const less = example();
    less.services.find(({ name }) => name === 'tickets')!.replicas = 2;
    const removed = (volume: string) => {
      const other = { ...whole.guests[0]!, id: 243, inPool: false };
      const clone = { ...other, config: { ...other.config!, volumes: [volume], description: '' } };
      const based = config(242, { isTemplate: true });
      return plan(wish(less), { ...based, guests: [...based.guests, clone] });
    };
    const kept = removed('tank:basevol-242-disk-0/subvol-243-disk-0');
    expect(ids(kept)).not.toContain('remove:ct:242');
    expect(kept.notes.join()).toMatch(/psa-tickets-3 .*template that the disks of CT 243 stand on/);
    expect(ids(removed('tank:subvol-243-disk-0'))).toContain('remove:ct:242');
  });

  it('sets no rule that Proxmox would refuse beside one of others', () => {
    const rule = { ...whole.ha.rules[0]!, name: 'theirs', comment: '' };
    const nodes = { ...rule, type: 'node-affinity', affinity: '', resources: ['ct:210', 'ct:999'] };
    const together = { ...rule, type: 'resource-affinity', affinity: 'positive' };
    const ours = ['ct:210', 'ct:211'];
    expect(refusedRule('node-affinity', ours, [nodes])).toMatch(/"theirs".*on which nodes ct:210, and/);
    expect(refusedRule('resource-affinity', ours, [nodes])).toBeNull();
    expect(refusedRule('resource-affinity', ours, [{ ...together, resources: ours }])).toMatch(/together/);
    expect(refusedRule('resource-affinity', ours, [{ ...together, resources: ['ct:210'] }])).toBeNull();
    expect(refusedRule('node-affinity', ours, [{ ...nodes, disabled: true }])).toBeNull();
  });

  it('enlarges a disk by what is missing, however large it is', () => {
    const larger = example();
    larger.containers.find(({ name }) => name === 'rabbitmq')!.disk_gb = 504;
    const resized = (rootGb: number) => ids(plan(wish(larger), config(310, { rootGb })));
    expect(resized(500)).toContain('resize:ct:310');
    // An extent more is how LVM rounds.
    expect(resized(504 + 4 / 1024)).not.toContain('resize:ct:310');
    expect(plan(wish(larger), config(310, { rootGb: 505 })).problems).toHaveLength(1);
  });

  it('takes what it may not see for neither missing nor its own', () => {
    const gone = having(whole, 230, () => null);
    const unseen = plan(desired, { ...gone, hidden: [230] });
    expect(unseen.steps).toEqual([]);
    expect(unseen.problems).toMatchObject([
      { target: 'psa-crm-1 (CT 230)', message: /cannot see/, fix: /VM\.Audit on \/vms .*playbook "token"/ },
    ]);
    const left = plan(desired, { ...gone, hidden: [230], made: [230] });
    expect(left.problems).toEqual([]);
    expect(left.steps.filter(({ container }) => container === 230)).toEqual([]);
    expect(left.notes.join()).toMatch(
      /psa-crm-1 .*left the pool psa.*pvesh set \/pools --poolid psa --vms 230/,
    );
    // Until its creation has ended it is in no pool.
    expect(ids(plan(desired, { ...gone, hidden: [230], begun: [230] }))).toContain('create:ct:230');
  });

  it('knows one whose note has lost the marker, and says how to get it back', () => {
    const lost = config(230, { description: 'do not touch' });
    expect(plan(desired, lost).problems).toMatchObject([{ fix: /psactl adopt psa-crm-1/ }]);
    const other = config(230, { description: '', hostname: 'theirs', net0: {} });
    expect(plan(desired, other).problems).toMatchObject([{ fix: /other ids in the inventory/ }]);
  });
});
