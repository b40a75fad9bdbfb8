import { lazy, Suspense, useState } from 'react';
import { useHotkeys } from '../hooks/use-hotkeys.ts';
import { uiMessages } from '../i18n/ui-messages.ts';
import { IconButton } from './button.tsx';
import type { CommandPaletteProps } from './command-palette.tsx';

export type { Command } from './command-palette.tsx';

const CommandPalette = lazy(() => import('./command-palette.tsx'));
const ShortcutHelp = lazy(() => import('./shortcut-help.tsx'));

/** The search button, and Ctrl/⌘+K, `/` and `?`; the dialogs themselves are loaded when first opened. */
export function PaletteHost(props: Omit<CommandPaletteProps, 'onClose'>) {
  const t = uiMessages.useT();
  const [open, setOpen] = useState<'palette' | 'help' | null>(null);
  useHotkeys([
    { keys: 'mod+k', label: t('hotkeys.palette'), run: () => setOpen('palette') },
    { keys: '/', label: t('hotkeys.palette'), run: () => setOpen('palette') },
    { keys: '?', label: t('hotkeys.help'), run: () => setOpen('help') },
  ]);
  const close = () => setOpen(null);
  return (
    <>
      <IconButton icon="search" label={t('palette.title')} onPress={() => setOpen('palette')} />
      <Suspense>
        {open === 'palette' && <CommandPalette {...props} onClose={close} />}
        {open === 'help' && <ShortcutHelp onClose={close} />}
      </Suspense>
    </>
  );
}
