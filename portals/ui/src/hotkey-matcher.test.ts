import { describe, expect, it } from 'vitest';
import { createHotkeyMatcher, hotkeyCaps, type KeyLike, parseHotkey } from './hotkey-matcher.ts';

const press = (key: string, more: Partial<KeyLike> = {}): KeyLike => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...more,
});

function matcher(keys: string[], mac = false) {
  return createHotkeyMatcher(
    keys.map((value) => ({ hotkey: parseHotkey(value), value })),
    { mac },
  );
}

describe('single keys', () => {
  it('matches the key alone, not with Ctrl or Shift', () => {
    const m = matcher(['k']);
    expect(m.press(press('k'), 0)).toBe('k');
    expect(m.press(press('k', { ctrlKey: true }), 10)).toBeNull();
    expect(m.press(press('K', { shiftKey: true }), 20)).toBeNull();
  });

  it('takes signs with or without Shift, as the layout has them', () => {
    const m = matcher(['?', '/']);
    expect(m.press(press('?', { shiftKey: true }), 0)).toBe('?');
    expect(m.press(press('?'), 10)).toBe('?');
    expect(m.press(press('/', { shiftKey: true }), 20)).toBe('/');
  });

  it('reads mod as Ctrl or as ⌘', () => {
    expect(matcher(['mod+k']).press(press('k', { ctrlKey: true }), 0)).toBe('mod+k');
    expect(matcher(['mod+k']).press(press('k', { metaKey: true }), 0)).toBeNull();
    expect(matcher(['mod+k'], true).press(press('k', { metaKey: true }), 0)).toBe('mod+k');
  });

  it('lets the later binding win', () => {
    const m = createHotkeyMatcher([
      { hotkey: parseHotkey('j'), value: 'shell' },
      { hotkey: parseHotkey('j'), value: 'page' },
    ]);
    expect(m.press(press('j'), 0)).toBe('page');
  });
});

describe('sequences', () => {
  it('completes within the time', () => {
    const m = matcher(['g t', 'g c', 't']);
    expect(m.press(press('g'), 0)).toBeNull();
    expect(m.pending).toBe(true);
    expect(m.press(press('t'), 500)).toBe('g t');
    expect(m.pending).toBe(false);
  });

  it('forgets a beginning that was too long ago', () => {
    const m = matcher(['g t', 't']);
    m.press(press('g'), 0);
    expect(m.press(press('t'), 1001)).toBe('t');
  });

  it('lets a wrong key begin anew', () => {
    const m = matcher(['g t', 'x']);
    m.press(press('g'), 0);
    expect(m.press(press('x'), 100)).toBe('x');
    m.press(press('g'), 200);
    m.press(press('g'), 300);
    expect(m.press(press('t'), 400)).toBe('g t');
  });

  it('is not disturbed by Shift on its way', () => {
    const m = matcher(['g ?']);
    m.press(press('g'), 0);
    m.press(press('Shift', { shiftKey: true }), 50);
    expect(m.press(press('?', { shiftKey: true }), 100)).toBe('g ?');
  });

  it('forgets when told', () => {
    const m = matcher(['g t']);
    m.press(press('g'), 0);
    m.reset();
    expect(m.press(press('t'), 10)).toBeNull();
  });
});

it('refuses shortcuts that cannot be typed', () => {
  for (const bad of ['', 'mod+', 'super+k']) expect(() => parseHotkey(bad)).toThrow(/Unable to read/);
});

it('shows the caps of the machine', () => {
  expect(hotkeyCaps('mod+k', false)).toEqual([['Ctrl', 'K']]);
  expect(hotkeyCaps('mod+k', false, 'Strg')).toEqual([['Strg', 'K']]);
  expect(hotkeyCaps('mod+k', true, 'Strg')).toEqual([['⌘', 'K']]);
  expect(hotkeyCaps('mod+k', true)).toEqual([['⌘', 'K']]);
  expect(hotkeyCaps('g t', false)).toEqual([['G'], ['T']]);
});
