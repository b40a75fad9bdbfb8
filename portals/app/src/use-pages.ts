import type { Command } from '@psa/ui/components/palette-host';
import { useHotkeys } from '@psa/ui/hooks/use-hotkeys';
import type { ReactNode } from 'react';
import type { NavItem } from './components/app-shell.tsx';
import { mayOpen, type Page } from './pages.ts';
import { useNavigate } from './router.tsx';
import { useMe } from './session/session.ts';

/**
 * Navigation and palette of a portal from its pages, and their shortcuts in force. `describe` names a page in the
 * reader's language, and leads elsewhere than to its path where that is wanted.
 */
export function usePages<Key extends string>(
  pages: readonly Page<Key>[],
  describe: (page: Page<Key>) => { label: string | undefined; to?: string; below?: ReactNode },
): { nav: NavItem[]; commands: Command[] } {
  const me = useMe();
  const navigate = useNavigate();
  const named = pages
    .filter((page) => page.label !== undefined && mayOpen(me, page))
    .map((page) => {
      const { label = '', to = page.path, below } = describe(page);
      return { page, label, to, below, run: () => void navigate(to) };
    });
  useHotkeys(named.flatMap(({ page: { keys }, label, run }) => (keys ? [{ keys, label, run }] : [])));
  return {
    nav: named
      .filter(({ page }) => page.nav)
      .map(({ page, label, to, below }) => ({
        to,
        label,
        below,
        icon: page.icon ?? 'circle',
        exact: page.nav === 'exact',
      })),
    commands: named.map(({ page, label, run }) => ({
      id: page.path,
      title: label,
      run,
      ...(page.icon ? { icon: page.icon } : {}),
      ...(page.keys ? { keys: page.keys } : {}),
    })),
  };
}
