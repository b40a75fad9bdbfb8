import type { Command } from '@psa/ui/components/palette-host';
import { useEffect, useRef, useSyncExternalStore } from 'react';

const layers: (readonly Command[])[] = [];
const listeners = new Set<() => void>();
let all: readonly Command[] = [];

function changed(): void {
  all = layers.toReversed().flat();
  for (const listener of listeners) listener();
}

/** Adds commands to the palette while mounted; the newest page's stand first. */
export function useCommands(commands: readonly Command[]): void {
  const latest = useRef(commands);
  useEffect(() => {
    latest.current = commands;
  });
  // Handlers are new at every render; only what the palette shows makes a new layer.
  const shape = JSON.stringify(commands.map(({ run: _, ...shown }) => shown));
  useEffect(() => {
    const layer = (JSON.parse(shape) as Omit<Command, 'run'>[]).map((shown, index) => ({
      ...shown,
      run: () => latest.current[index]?.run(),
    }));
    layers.push(layer);
    changed();
    return () => {
      layers.splice(layers.indexOf(layer), 1);
      changed();
    };
  }, [shape]);
}

/** Every command of the moment. */
export function useAllCommands(): readonly Command[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => all,
  );
}
