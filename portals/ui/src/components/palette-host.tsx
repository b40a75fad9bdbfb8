import { type ComponentType, lazy, type RefObject, Suspense, useLayoutEffect, useRef, useState } from 'react';
import { useHotkeys } from '../hooks/use-hotkeys.ts';
import { uiMessages } from '../i18n/ui-messages.ts';
import { IconButton } from './button.tsx';
import type { CommandPaletteProps } from './command-palette.tsx';

export type { Command } from './command-palette.tsx';

const CommandPalette = lazy(() => import('./command-palette.tsx'));
const ShortcutHelp = lazy(() => import('./shortcut-help.tsx'));

/** The search button, and Ctrl/⌘+K, `/` and `?`; the dialogs themselves are loaded when first opened. */
export function PaletteHost({
  help: Help = ShortcutHelp,
  ...props
}: Omit<CommandPaletteProps, 'onClose' | 'typed'> & {
  /** Shows the shortcuts; default those of the page of the moment. */
  help?: ComponentType<{ onClose: () => void }>;
}) {
  const t = uiMessages.useT();
  const [open, setOpen] = useState<'palette' | 'help' | null>(null);
  const typed = useRef('');
  const openPalette = () => {
    typed.current = '';
    setOpen('palette');
  };
  useHotkeys([
    { keys: 'mod+k', label: t('hotkeys.palette'), run: openPalette },
    { keys: '/', label: t('hotkeys.palette'), run: openPalette },
    { keys: '?', label: t('hotkeys.help'), run: () => setOpen('help') },
  ]);
  const close = () => setOpen(null);
  return (
    <>
      <IconButton icon="search" label={t('palette.title')} onPress={openPalette} />
      <Suspense fallback={<TypeAhead typed={typed} onClose={close} />}>
        {open === 'palette' && <CommandPalette {...props} typed={typed} onClose={close} />}
        {open === 'help' && <Help onClose={close} />}
      </Suspense>
    </>
  );
}

/** While the dialog is being loaded: what is typed already belongs to it, and is no shortcut of the page. */
function TypeAhead({ typed, onClose }: { typed: RefObject<string>; onClose: () => void }) {
  // Ends in the very commit that shows the dialog, so that no key falls between the two.
  useLayoutEffect(() => {
    const take = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      event.stopPropagation();
      event.preventDefault();
      if (event.key === 'Escape') onClose();
      else if (event.key === 'Backspace') typed.current = typed.current.slice(0, -1);
      else if (event.key.length === 1) typed.current += event.key;
    };
    window.addEventListener('keydown', take, true);
    return () => window.removeEventListener('keydown', take, true);
  }, [typed, onClose]);
  return null;
}
