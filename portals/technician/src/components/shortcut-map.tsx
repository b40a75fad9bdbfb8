import { mayOpen } from '@psa/app/pages';
import { useLocation } from '@psa/app/router';
import { matchPath } from '@psa/app/router/match';
import { may, useMe } from '@psa/app/session/session';
import ShortcutHelp from '@psa/ui/components/shortcut-help';
import { messages } from '../i18n/messages.ts';
import { shortcutMessages } from '../i18n/shortcut-messages.ts';
import { PAGES } from '../pages.ts';
import { SHORTCUTS, type Shortcut } from '../shortcuts.ts';

/** The map of all shortcuts that the reader may use: those of the page of the moment first. */
export default function ShortcutMap({ onClose }: { onClose: () => void }) {
  const t = shortcutMessages.useT();
  const m = messages.useT();
  const me = useMe();
  const { pathname } = useLocation();
  const groups = SHORTCUTS.map((group) => ({
    title: t(`at.${group.id}`),
    // "/tickets/new" is no ticket.
    isHere:
      'path' in group &&
      matchPath(group.path, pathname) !== null &&
      !PAGES.some(({ path }) => path === pathname && path !== group.path),
    entries: (group.entries as readonly Shortcut[])
      .filter(({ needs }) => needs === undefined || may(me, needs))
      .map(({ keys, label }) => ({ keys, label: t(label) })),
  }));
  const pages = {
    title: t('at.pages'),
    isHere: false,
    entries: PAGES.flatMap((page) =>
      page.keys && page.label && mayOpen(me, page) ? [{ keys: page.keys, label: m(page.label) }] : [],
    ),
  };
  const all = [...groups.slice(0, 1), pages, ...groups.slice(1)].filter(({ entries }) => entries.length > 0);
  return (
    <ShortcutHelp
      groups={[...all.filter(({ isHere }) => isHere), ...all.filter(({ isHere }) => !isHere)]}
      onClose={onClose}
    />
  );
}
