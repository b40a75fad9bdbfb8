import type { SiteManifest } from '@psa/recovery/manifest';
import type { Proof } from '@psa/recovery/proof';
import { describe, expect, it } from 'vitest';
import { type KeyState, keyStateOf, keyText } from './key-state.ts';

const of = (day: number, recipients: readonly string[], proven: number | null = null) => ({
  at: `2026-11-${String(day).padStart(2, '0')}T02:00:00Z`,
  manifest: { recipients } as unknown as SiteManifest,
  proof: proven === null ? null : ({ at: `2026-11-${proven}T04:00:00Z` } as Proof),
});
const NOW = Date.parse('2026-11-30T04:00:00Z');
const filed = (state: KeyState | null) => state && { ...state, file: '/root/backup.key' };

describe('the key of what is encrypted', () => {
  it('is of no interest where nothing is, or where it is here', () => {
    expect(keyStateOf([], null)).toBeNull();
    expect(keyStateOf([of(1, [])], null)).toBeNull();
    const state = keyStateOf([of(1, ['age1old']), of(9, ['age1a', 'age1b'])], { recipient: 'age1b' });
    expect(state).toEqual({ recipients: ['age1a', 'age1b'], here: 'opens', opened_at: null });
    expect(keyText(filed(state), NOW)).toBe('');
  });

  it('is said to be absent, and whether anybody has ever opened something with it', () => {
    const never = keyStateOf([of(9, ['age1a']), of(8, ['age1a'])], null);
    expect(keyText(filed(never), NOW)).toBe(
      'What is encrypted opens with the key of age1a, which is not on this machine (/root/backup.key). Nobody has restored one of them yet. Try the copy that you keep: PSA_BACKUP_KEY=FILE psactl backup verify\n',
    );
    const once = keyStateOf(
      [of(9, ['age1a']), of(8, ['age1a'], 20), of(7, ['age1a'], 11), of(9, [], 29)],
      null,
    );
    expect(keyText(filed(once), NOW)).toContain('One of them was last restored 10 d ago.');
  });

  it('is said to be another one than that of the newest', () => {
    const state = keyStateOf([of(1, ['age1mine']), of(9, ['age1a'])], { recipient: 'age1mine' });
    expect(state?.here).toBe('other');
    expect(keyText(filed(state), NOW)).toContain('and that in /root/backup.key is another one');
  });
});
