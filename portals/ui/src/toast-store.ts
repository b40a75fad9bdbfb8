export type ToastTone = 'ok' | 'info' | 'warn' | 'danger';

export interface Toast {
  id: number;
  tone: ToastTone;
  text: string;
  /** How often the same was said while it is shown. */
  times: number;
  action?: { label: string; run: () => void };
}

const SHOWN_MS = 6000;
const MAX_SHOWN = 3;

let list: readonly Toast[] = [];
let nextId = 1;
const timers = new Map<number, ReturnType<typeof setTimeout>>();
const listeners = new Set<() => void>();

function publish(next: readonly Toast[]): void {
  list = next;
  for (const listener of listeners) listener();
}

/** What failed or can be undone stays until somebody has seen it (WCAG 2.2.1). */
const stays = (toast: Toast) => toast.tone === 'danger' || toast.action !== undefined;

function startClock(toast: Toast): void {
  if (stays(toast)) return;
  clearTimeout(timers.get(toast.id));
  timers.set(
    toast.id,
    setTimeout(() => dismissToast(toast.id), SHOWN_MS),
  );
}

/**
 * Shows a message at the edge of the page. The same text in the same tone is one message that says how often, with the
 * action of the last time. Of too many the oldest goes, what waits for nobody first. Returns its id.
 */
export function showToast(tone: ToastTone, text: string, action?: Toast['action']): number {
  const same = list.find((toast) => toast.tone === tone && toast.text === text);
  if (same) {
    const again: Toast = { ...same, times: same.times + 1, ...(action ? { action } : {}) };
    publish(list.map((toast) => (toast === same ? again : toast)));
    startClock(again);
    return again.id;
  }
  const toast: Toast = { id: nextId++, tone, text, times: 1, ...(action ? { action } : {}) };
  while (list.length >= MAX_SHOWN) dismissToast((list.find((old) => !stays(old)) ?? list[0]!).id);
  publish([...list, toast]);
  startClock(toast);
  return toast.id;
}

export function dismissToast(id: number): void {
  clearTimeout(timers.get(id));
  timers.delete(id);
  if (list.some((toast) => toast.id === id)) publish(list.filter((toast) => toast.id !== id));
}

/** Takes all away: who comes next is told nothing of what was before. */
export function clearToasts(): void {
  for (const { id } of list) dismissToast(id);
}

/** Stops every clock while somebody reads. */
export function holdToasts(): void {
  for (const timer of timers.values()) clearTimeout(timer);
  timers.clear();
}

export function releaseToasts(): void {
  for (const toast of list) startClock(toast);
}

export function toasts(): readonly Toast[] {
  return list;
}

export function subscribeToasts(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
