import type { Page } from '@psa/app/pages';
import type { MessageKey } from '@psa/ui/i18n/i18n';
import type { messages } from './i18n/messages.ts';

type Label = Extract<MessageKey<(typeof messages)['de']>, `nav.${string}` | `action.${string}`>;

/** Every page of the technicians' portal. */
export const PAGES: readonly Page<Label>[] = [
  { path: '/login', access: 'guest', file: () => import('./pages/login-page.tsx') },
  { path: '/forgot-password', access: 'public', file: () => import('./pages/forgot-password-page.tsx') },
  {
    path: '/reset-password',
    access: 'public',
    file: () => import('./pages/reset-password-page.tsx'),
    samples: ['/reset-password?token=x'],
  },
  {
    path: '/setup',
    access: 'public',
    file: () => import('./pages/setup-page.tsx'),
    samples: ['/setup?token=x'],
  },
  {
    path: '/',
    access: 'session',
    file: () => import('./pages/dashboard-page.tsx'),
    label: 'nav.dashboard',
    icon: 'home',
    nav: 'exact',
    keys: 'g d',
  },
  {
    path: '/tickets',
    access: 'session',
    file: () => import('./pages/ticket-list-page.tsx'),
    label: 'nav.tickets',
    icon: 'ticket',
    nav: 'below',
    keys: 'g t',
    samples: ['/tickets', '/tickets?priority=medium', '/tickets?search=zzzzzzzzzz'],
  },
  {
    path: '/tickets/new',
    access: 'ticket:create',
    file: () => import('./pages/new-ticket-page.tsx'),
    label: 'action.new_ticket',
    icon: 'plus',
    keys: 'c',
  },
  {
    path: '/tickets/:id',
    access: 'session',
    file: () => import('./pages/ticket-page.tsx'),
    samples: ['/tickets/:ticket'],
  },
  {
    path: '/customers',
    access: 'customer:view',
    file: () => import('./pages/customer-list-page.tsx'),
    label: 'nav.customers',
    icon: 'building',
    nav: 'below',
    keys: 'g c',
    samples: ['/customers', '/customers?new=1'],
  },
  {
    path: '/customers/import',
    access: 'customer:create',
    file: () => import('./pages/customer-import-page.tsx'),
  },
  {
    path: '/customers/:id',
    access: 'customer:view',
    file: () => import('./pages/customer-page.tsx'),
    samples: ['/customers/:customer'],
  },
  {
    path: '/search',
    access: 'session',
    file: () => import('./pages/search-page.tsx'),
    label: 'nav.search',
    icon: 'search',
    nav: 'below',
    keys: 'g s',
    samples: ['/search', '/search?q=Drucker'],
  },
  {
    path: '/settings',
    access: 'session',
    file: () => import('./pages/settings-page.tsx'),
    label: 'nav.settings',
    icon: 'settings',
    nav: 'below',
    keys: 'g e',
  },
  {
    path: '/settings/:section',
    access: 'session',
    file: () => import('./pages/settings-page.tsx'),
    samples: [
      'account',
      'technicians',
      'teams',
      'sla',
      'calendars',
      'categories',
      'rules',
      'storage',
      'users',
      'roles',
      'keys',
    ].map((section) => `/settings/${section}`),
  },
];
