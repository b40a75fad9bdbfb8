import type { Permission } from '@psa/contracts/permissions';
import type { MessageKey } from '@psa/ui/i18n/i18n';
import type { shortcutMessages } from './i18n/shortcut-messages.ts';

export interface Shortcut {
  /** As `useHotkeys` takes them. */
  readonly keys: string;
  readonly label: Extract<MessageKey<(typeof shortcutMessages)['de']>, `do.${string}`>;
  /** Without this permission there is nothing to press for. */
  readonly needs?: Permission;
}

/**
 * Every shortcut beside those that lead to pages (`pages.ts`), by where it works: the map that `?` opens. A test compares
 * it with what the pages bind.
 */
export const SHORTCUTS = [
  {
    id: 'everywhere',
    entries: [
      { keys: 'mod+k', label: 'do.palette' },
      { keys: '/', label: 'do.search' },
      { keys: 'g m', label: 'do.mine' },
      { keys: '?', label: 'do.help' },
    ],
  },
  {
    id: 'list',
    path: '/tickets',
    entries: [
      { keys: 'j', label: 'do.next' },
      { keys: 'k', label: 'do.previous' },
      { keys: 'enter', label: 'do.open' },
      { keys: 'x', label: 'do.select' },
      { keys: 'f', label: 'do.filter' },
      { keys: 'r', label: 'do.refresh' },
    ],
  },
  {
    id: 'selection',
    path: '/tickets',
    entries: [
      { keys: 's', label: 'do.status', needs: 'ticket:update' },
      { keys: 'p', label: 'do.priority', needs: 'ticket:update' },
      { keys: 'a', label: 'do.assign', needs: 'ticket:assign' },
      { keys: 't', label: 'do.tags', needs: 'ticket:update' },
      { keys: 'esc', label: 'do.unselect' },
    ],
  },
  {
    id: 'ticket',
    path: '/tickets/:id',
    entries: [
      { keys: 'r', label: 'do.reply', needs: 'ticket:comment' },
      { keys: 'n', label: 'do.note', needs: 'ticket:comment:internal' },
      { keys: 'e', label: 'do.title', needs: 'ticket:update' },
    ],
  },
] as const satisfies readonly { id: string; path?: string; entries: readonly Shortcut[] }[];
