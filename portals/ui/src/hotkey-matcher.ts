/** The parts of a keyboard event that decide. */
export interface KeyLike {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

interface Chord {
  key: string;
  mod: boolean;
  alt: boolean;
  /** null: whatever shift it takes to type the character ("?" needs shift on one layout, not on another). */
  shift: boolean | null;
}

/** A parsed shortcut: one chord, or several in sequence. */
export type Hotkey = readonly Chord[];

const NAMES: Record<string, string> = {
  esc: 'escape',
  space: ' ',
  up: 'arrowup',
  down: 'arrowdown',
  left: 'arrowleft',
  right: 'arrowright',
};

/**
 * Reads `k`, `?`, `g t`, `mod+k`, `shift+j`, `mod+enter`. `mod` is ⌘ on a Mac and Ctrl elsewhere.
 * @throws Error on an empty or unfinished shortcut.
 */
export function parseHotkey(text: string): Hotkey {
  const chords = text
    .trim()
    .split(/\s+/)
    .map((part): Chord => {
      const pieces = part === '+' ? ['+'] : part.toLowerCase().split('+');
      const name = pieces.pop() ?? '';
      const key = NAMES[name] ?? name;
      if (key === '') throw new Error(`Unable to read the shortcut "${text}"`);
      const unknown = pieces.find((piece) => !['mod', 'alt', 'shift'].includes(piece));
      if (unknown !== undefined)
        throw new Error(`Unable to read the shortcut "${text}": unknown "${unknown}"`);
      const isLetter = /^[a-z]$/.test(key);
      const shift = pieces.includes('shift') ? true : isLetter || key.length > 1 ? false : null;
      return { key, mod: pieces.includes('mod'), alt: pieces.includes('alt'), shift };
    });
  return chords;
}

function matches(chord: Chord, event: KeyLike, mac: boolean): boolean {
  if (event.key.toLowerCase() !== chord.key) return false;
  const mod = mac ? event.metaKey : event.ctrlKey;
  const other = mac ? event.ctrlKey : event.metaKey;
  if (mod !== chord.mod || other) return false;
  // AltGr reports alt+ctrl while it types a character; only letters and named keys care about alt.
  if (event.altKey !== chord.alt) return false;
  return chord.shift === null || event.shiftKey === chord.shift;
}

const MODIFIERS = new Set(['shift', 'control', 'alt', 'meta', 'altgraph', 'capslock', 'dead']);

export interface HotkeyMatcher<T> {
  /** The binding that this key press completes, or null; `pending` tells whether a sequence has begun. */
  press(event: KeyLike, now: number): T | null;
  readonly pending: boolean;
  reset(): void;
}

/**
 * Recognises shortcuts in a stream of key presses. Later bindings win over earlier ones (the page over the
 * shell). A sequence must continue within `timeout` ms; a wrong key ends it and may itself begin another.
 */
export function createHotkeyMatcher<T>(
  bindings: readonly { hotkey: Hotkey; value: T }[],
  options: { mac?: boolean; timeout?: number } = {},
): HotkeyMatcher<T> {
  const { mac = false, timeout = 1000 } = options;
  let open: { hotkey: Hotkey; value: T; at: number }[] = [];
  let last = 0;

  function step(event: KeyLike, candidates: typeof open): T | null {
    const next = candidates
      .filter((c) => matches(c.hotkey[c.at]!, event, mac))
      .map((c) => ({ ...c, at: c.at + 1 }));
    const done = next.findLast((c) => c.at === c.hotkey.length);
    open = done ? [] : next;
    return done ? done.value : null;
  }

  return {
    get pending() {
      return open.length > 0;
    },
    reset() {
      open = [];
    },
    press(event, now) {
      if (MODIFIERS.has(event.key.toLowerCase())) return null;
      if (now - last > timeout) open = [];
      last = now;
      if (open.length > 0) {
        const value = step(event, open);
        if (value !== null || open.length > 0) return value;
      }
      return step(
        event,
        bindings.map((b) => ({ ...b, at: 0 })),
      );
    },
  };
}

const MAC_NAMES: Record<string, string> = { mod: '⌘', alt: '⌥', shift: '⇧' };
const PC_NAMES: Record<string, string> = { alt: 'Alt', shift: '⇧' };
const KEY_SIGNS: Record<string, string> = {
  enter: '↵',
  escape: 'Esc',
  esc: 'Esc',
  up: '↑',
  down: '↓',
  space: '␣',
};

/** Caps to show for a shortcut: `mod+k` → [['⌘','K']], `g t` → [['G'],['T']]; `control` is what the key is called. */
export function hotkeyCaps(text: string, mac: boolean, control = 'Ctrl'): string[][] {
  const names: Record<string, string> = mac ? MAC_NAMES : { ...PC_NAMES, mod: control };
  return text
    .trim()
    .split(/\s+/)
    .map((part) =>
      (part === '+' ? ['+'] : part.split('+')).map(
        (piece) => names[piece] ?? KEY_SIGNS[piece] ?? (piece.length === 1 ? piece.toUpperCase() : piece),
      ),
    );
}
