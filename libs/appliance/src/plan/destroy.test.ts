import { describe, expect, it } from 'vitest';
import { config, having, ids, whole } from './cases.test-helper.ts';
import { planDestroy } from './destroy.ts';

describe('a plan to destroy', () => {
  const doomed = { appliance: 'psa', site: 'main', pool: 'psa' };

  it('removes all that is ours and nothing else', () => {
    const theirs = { ...whole.guests[0]!, id: 777, inPool: false };
    const ha = {
      ...whole.ha,
      rules: [...whole.ha.rules, { ...whole.ha.rules[0]!, name: 'theirs', comment: '' }],
    };
    const found = planDestroy(doomed, { ...whole, ha, guests: [...whole.guests, theirs] });
    expect(found.notes).toEqual([]);
    const containers = found.steps
      .filter(({ container }) => container !== null)
      .map(({ container }) => container);
    expect(containers.toSorted()).toEqual(whole.guests.map(({ id }) => id).toSorted());
    expect(ids(found).filter((id) => id.includes('rule'))).toEqual(
      whole.ha.rules.map(({ name }) => `remove:rule:${name}`),
    );
    expect(ids(found).at(-1)).toBe('remove:pool:psa');
    const kept = planDestroy(doomed, { ...whole, ownPools: [] });
    expect(ids(kept)).not.toContain('remove:pool:psa');
    expect(kept.notes.join()).toMatch(/psactl did not make it/);
  });

  it('removes what was made and not tagged when psactl was ended, by the journal', () => {
    const bare = config(300, { tags: [] });
    expect(ids(planDestroy(doomed, bare))).not.toContain('remove:ct:300');
    expect(ids(planDestroy(doomed, { ...bare, begun: [300] }))).toContain('remove:ct:300');
  });

  it('leaves nothing behind silently: what is protected, what it cannot see', () => {
    const held = planDestroy(doomed, config(300, { protected: true }));
    expect(ids(held)).not.toContain('remove:ct:300');
    expect(ids(held)).not.toContain('remove:pool:psa');
    expect(held.notes.join()).toMatch(/psa-postgres-1 \(CT 300\) stays: it is protected/);
    const gone = having(whole, 300, () => null);
    const left = planDestroy(doomed, { ...gone, hidden: [300], made: [300] });
    expect(left.notes.join()).toMatch(/CT 300 stays.*has left the pool psa/);
    const cut = planDestroy(doomed, { ...gone, hidden: [300], begun: [300] });
    expect(cut.notes.join()).toMatch(/CT 300 stays.*began to make.*pct unlock 300 && pct destroy 300/);
    // A token with VM.Audit sees it, without a note yet.
    const bare = planDestroy(doomed, {
      ...having(config(300, { description: '', tags: [], lock: 'create' }), 300, (one) => ({
        ...one,
        inPool: false,
      })),
      begun: [300],
    });
    expect(ids(bare)).not.toContain('remove:ct:300');
    expect(bare.notes.join()).toMatch(/CT 300\) stays: its creation has not ended.*pct destroy 300/);
    expect(ids(left)).not.toContain('remove:pool:psa');
  });

  it('leaves the pool to those of others that are in it, and a dead node for later', () => {
    const guest = { ...whole.guests[0]!, id: 777 };
    const shared = planDestroy(doomed, { ...whole, guests: [...whole.guests, guest] });
    expect(shared.notes.join()).toMatch(/CT 777.*psactl did not make it/);
    expect(ids(shared)).not.toContain('remove:pool:psa');
    const unread = planDestroy(
      doomed,
      having(whole, 300, (one) => ({ ...one, config: null })),
    );
    expect(unread.notes.join()).toMatch(/CT 300\) stays: its configuration could not be read/);
    const dead = planDestroy(doomed, { ...whole, nodes: { ...whole.nodes, pve1: 'offline' } });
    expect(dead.notes.join()).toMatch(/pve1 does not answer/);
    expect(dead.steps.filter(({ node }) => node === 'pve1')).toEqual([]);
  });
});
