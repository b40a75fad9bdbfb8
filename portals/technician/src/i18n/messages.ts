import { defineMessages } from '@psa/ui/i18n/i18n';

/** Texts of the technician portal. German first. */
export const messages = defineMessages(
  'technician',
  {
    brand: 'PSA-Platform',
    'nav.dashboard': 'Übersicht',
    'nav.tickets': 'Tickets',
    'nav.customers': 'Kunden',
    'dashboard.title': 'Übersicht',
    'dashboard.greeting': 'Angemeldet als {{name}}',
  },
  {
    brand: 'PSA-Platform',
    'nav.dashboard': 'Overview',
    'nav.tickets': 'Tickets',
    'nav.customers': 'Customers',
    'dashboard.title': 'Overview',
    'dashboard.greeting': 'Signed in as {{name}}',
  },
);
