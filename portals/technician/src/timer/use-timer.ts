import { readSetting, writeSetting } from '@psa/ui/settings';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { readTimer, type Timer } from './timer.ts';

const NAME = 'view.timer';
const listeners = new Set<() => void>();
let text: string | null | undefined;
let timer: Timer | null = null;

function current(): Timer | null {
  const stored = readSetting(NAME);
  if (stored !== text) {
    text = stored;
    timer = readTimer(stored);
  }
  return timer;
}

/** Keeps the timer in this browser: it outlives a reload and shows in every tab. */
export function setTimer(next: Timer | null): void {
  writeSetting(NAME, next ? JSON.stringify(next) : '');
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener('storage', listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener('storage', listener);
  };
}

export function useTimer(): Timer | null {
  return useSyncExternalStore(subscribe, current);
}

/** The time in milliseconds, each second anew while the timer runs. */
export function useSeconds(running: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    setNow(Date.now());
    if (!running) return;
    const tick = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(tick);
  }, [running]);
  return now;
}
