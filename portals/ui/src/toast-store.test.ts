import { afterEach, expect, it } from 'vitest';
import { clearToasts, showToast, toasts } from './toast-store.ts';

afterEach(clearToasts);
const texts = () => toasts().map(({ text, times }) => (times > 1 ? `${text} ×${times}` : text));

it('says the same once, how often, and does what the last of them would', () => {
  const done: string[] = [];
  const undo = (what: string) => ({ label: 'Rückgängig', run: () => void done.push(what) });
  const first = showToast('ok', 'Gespeichert', undo('eins'));
  expect(showToast('ok', 'Gespeichert', undo('zwei'))).toBe(first);
  showToast('danger', 'Gespeichert');
  expect(texts()).toEqual(['Gespeichert ×2', 'Gespeichert']);
  toasts()[0]?.action?.run();
  expect(done).toEqual(['zwei']);
});

it('shows three at most, and keeps what somebody must see longest', () => {
  showToast('danger', 'Nicht gespeichert');
  for (const text of ['a', 'b', 'c', 'd']) showToast('ok', text);
  expect(texts()).toEqual(['Nicht gespeichert', 'c', 'd']);
  for (const text of ['e', 'f', 'g']) showToast('danger', text);
  expect(texts()).toEqual(['e', 'f', 'g']);
});

it('leaves nothing to whoever comes next', () => {
  showToast('danger', 'Ticket 7 nicht gespeichert');
  clearToasts();
  expect(toasts()).toEqual([]);
});
