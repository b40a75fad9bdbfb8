import { describe, expect, it } from 'vitest';
import { exampleText } from './example.test-helper.ts';
import { loadInventory } from './load.ts';
import { withFingerprint } from './write-fingerprint.ts';

const [OLD, NEW] = ['AA', 'B1'].map((byte) => Array(32).fill(byte).join(':'));
const where = { site: 'main', node: 'pve2' };

/** The lines that differ. */
const changed = (before: string, after: string) => {
  const old = new Set(before.split('\n'));
  return after.split('\n').filter((line) => !old.has(line));
};

describe('the fingerprint of a node in an inventory', () => {
  it('is put beside its address, and nothing else is touched', () => {
    const written = withFingerprint(exampleText, 'x.yaml', { ...where, fingerprint: OLD! });
    if (!written.ok) throw new Error(JSON.stringify(written.errors));
    expect(changed(exampleText, written.text)).toHaveLength(1);
    const loaded = loadInventory(written.text, 'x.yaml');
    expect(loaded.ok && loaded.inventory.sites[0]!.nodes.map((node) => node.fingerprint)).toEqual([
      undefined,
      OLD,
      undefined,
    ]);
    // Exchanged where there is one.
    const again = withFingerprint(written.text, 'x.yaml', { ...where, fingerprint: NEW! });
    expect(again.ok && again.text).toBe(written.text.replace(OLD!, NEW!));
  });

  it('keeps comments of entries that are written line by line', () => {
    const block = exampleText.replace(
      /^( *)- \{ name: pve2, address: (\S+), (.*)\}$/m,
      (_, space: string, address: string, rest: string) =>
        [
          '- name: pve2 # the second',
          `  address: ${address} # of management`,
          ...rest
            .replace('bridges: { vmbr0: eno1 }', 'bridges: { vmbr0: eno1 } ')
            .split(/, (?=\w+:)/)
            .map((part) => `  ${part.trim()}`),
        ]
          .map((line) => space + line)
          .join('\n'),
    );
    expect(block).not.toBe(exampleText);
    const written = withFingerprint(block, 'x.yaml', { ...where, fingerprint: OLD! });
    if (!written.ok) throw new Error(JSON.stringify(written.errors));
    expect(written.text).toMatch(
      new RegExp(`^( *)  address: \\S+ # of management\\n\\1  fingerprint: "${OLD}"$`, 'm'),
    );
    expect(changed(block, written.text)).toHaveLength(1);
  });

  it('is refused where there is no such node, or no fingerprint', () => {
    expect(
      withFingerprint(exampleText, 'x.yaml', { ...where, node: 'pve9', fingerprint: OLD! }),
    ).toMatchObject({
      ok: false,
      errors: [{ path: 'sites.main.nodes.pve9.fingerprint' }],
    });
    const wrong = withFingerprint(exampleText, 'x.yaml', { ...where, fingerprint: 'AA:BB' });
    expect(wrong.ok ? [] : wrong.errors.map(({ path }) => path)).toEqual(['sites[0].nodes[1].fingerprint']);
  });
});
