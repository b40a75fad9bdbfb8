import { useEffect, useRef, useSyncExternalStore } from 'react';
import { createHotkeyMatcher, type HotkeyMatcher, parseHotkey } from '../hotkey-matcher.ts';
import { readSetting, writeSetting } from '../settings.ts';

export interface HotkeyBinding {
  /** `g t`, `?`, `mod+k`; see parseHotkey. */
  keys: string;
  /** Shown in the list of shortcuts; without it the binding is not listed. */
  label?: string;
  run: (event: KeyboardEvent) => void;
  enabled?: boolean;
}

export const isMac = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.platform);

type Layer = { bindings: readonly HotkeyBinding[] };
const layers: Layer[] = [];
const listeners = new Set<() => void>();
let matcher: HotkeyMatcher<HotkeyBinding> | null = null;
let listed: readonly HotkeyBinding[] = [];

function changed(): void {
  const all = layers.flatMap((layer) => layer.bindings).filter((b) => b.enabled !== false);
  matcher = createHotkeyMatcher(
    all.map((value) => ({ hotkey: parseHotkey(value.keys), value })),
    { mac: isMac },
  );
  listed = all.filter((b) => b.label !== undefined);
  for (const listener of listeners) listener();
}

/** True where characters are being typed, or where a key has a meaning of its own. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof Element)) return false;
  const field = target.closest(
    'input, textarea, select, [contenteditable=""], [contenteditable="true"], [role="textbox"], [role="combobox"]',
  );
  if (!field) return false;
  return !(
    field instanceof HTMLInputElement && /^(checkbox|radio|button|submit|reset|file|range)$/.test(field.type)
  );
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || !matcher) return;
  const withModifier = event.ctrlKey || event.metaKey;
  // WCAG 2.1.4: single-character shortcuts can be switched off, and never fire while typing.
  const silent = isTyping(event.target) || !hotkeysEnabled();
  // An open dialog or menu owns the plain keys.
  if (!withModifier && (silent || document.querySelector('.modal-overlay, .popover'))) {
    matcher.reset();
    return;
  }
  const binding = matcher.press(event, event.timeStamp);
  if (binding) {
    event.preventDefault();
    binding.run(event);
  }
}

let installed = false;
function install(): void {
  if (installed) return;
  installed = true;
  document.addEventListener('keydown', onKeyDown);
}

/** Binds shortcuts while mounted. The component mounted last wins when two want the same keys. */
export function useHotkeys(bindings: readonly HotkeyBinding[]): void {
  const latest = useRef(bindings);
  useEffect(() => {
    latest.current = bindings;
  });
  // Handlers may be new at every render; only what the matcher and the list see makes a new layer.
  const shape = JSON.stringify(bindings.map((b) => [b.keys, b.label ?? null, b.enabled !== false]));
  useEffect(() => {
    install();
    const parts = JSON.parse(shape) as [string, string | null, boolean][];
    const layer: Layer = {
      bindings: parts.map(([keys, label, enabled], index) => ({
        keys,
        enabled,
        ...(label === null ? {} : { label }),
        run: (event) => latest.current[index]?.run(event),
      })),
    };
    layers.push(layer);
    changed();
    return () => {
      layers.splice(layers.indexOf(layer), 1);
      changed();
    };
  }, [shape]);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Every shortcut in force that has a label, shell first. */
export function useHotkeyList(): readonly HotkeyBinding[] {
  return useSyncExternalStore(subscribe, () => listed);
}

function hotkeysEnabled(): boolean {
  return readSetting('hotkeys') !== 'off';
}

/** `[on, switch]` for single-key shortcuts; those with Ctrl or ⌘ always work. */
export function useHotkeySetting(): readonly [boolean, (on: boolean) => void] {
  const on = useSyncExternalStore(subscribe, hotkeysEnabled);
  return [
    on,
    (value) => {
      writeSetting('hotkeys', value ? 'on' : 'off');
      for (const listener of listeners) listener();
    },
  ];
}
