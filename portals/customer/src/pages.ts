import type { Page } from '@psa/app/pages';
import type { MessageKey } from '@psa/ui/i18n/i18n';
import type { messages } from './i18n/messages.ts';

type Label = Extract<MessageKey<(typeof messages)['de']>, `nav.${string}`>;

/** Every page of the customers' portal, below `/portal`. */
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
    path: '/',
    access: 'session',
    file: () => import('./pages/tickets-page.tsx'),
    label: 'nav.tickets',
    icon: 'ticket',
    nav: 'exact',
    keys: 'g t',
    samples: ['/', '/?tab=closed', '/?q=zzzzqqqq'],
  },
  {
    path: '/new',
    access: 'session',
    file: () => import('./pages/new-ticket-page.tsx'),
    label: 'nav.new',
    icon: 'plus',
    nav: 'below',
    keys: 'c',
  },
  {
    path: '/tickets/:id',
    access: 'session',
    file: () => import('./pages/ticket-page.tsx'),
    samples: ['/tickets/:ticket'],
  },
  {
    path: '/contacts',
    access: 'contact:view',
    file: () => import('./pages/contacts-page.tsx'),
    label: 'nav.contacts',
    icon: 'users',
    nav: 'below',
    keys: 'g k',
  },
  {
    path: '/account',
    access: 'session',
    file: () => import('./pages/account-page.tsx'),
    label: 'nav.account',
    icon: 'user',
    nav: 'below',
    keys: 'g a',
  },
];
