export type ToastTone = 'ok' | 'info' | 'warn' | 'danger';

export interface Toast {
  id: number;
  tone: ToastTone;
  text: string;
  action?: { label: string; run: () => void };
}

const SHOWN_MS = 6000;
const MAX_SHOWN = 4;

let list: readonly Toast[] = [];
let nextId = 1;
const timers = new Map<number, ReturnType<typeof setTimeout>>();
const listeners = new Set<() => void>();

function publish(next: readonly Toast[]): void {
  list = next;
  for (const listener of listeners) listener();
}

function startClock(toast: Toast): void {
  // What failed or can be undone stays until somebody has seen it (WCAG 2.2.1).
  if (toast.tone === 'danger' || toast.action) return;
  clearTimeout(timers.get(toast.id));
  timers.set(
    toast.id,
    setTimeout(() => dismissToast(toast.id), SHOWN_MS),
  );
}

/** Shows a message at the edge of the page. The same text in the same tone is not stacked. Returns its id. */
export function showToast(tone: ToastTone, text: string, action?: Toast['action']): number {
  const same = list.find((toast) => toast.tone === tone && toast.text === text);
  if (same) {
    startClock(same);
    return same.id;
  }
  const toast: Toast = { id: nextId++, tone, text, ...(action ? { action } : {}) };
  for (const old of list.slice(0, Math.max(0, list.length + 1 - MAX_SHOWN))) dismissToast(old.id);
  publish([...list, toast]);
  startClock(toast);
  return toast.id;
}

export function dismissToast(id: number): void {
  clearTimeout(timers.get(id));
  timers.delete(id);
  if (list.some((toast) => toast.id === id)) publish(list.filter((toast) => toast.id !== id));
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
