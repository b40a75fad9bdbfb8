import { defineMessages } from '@psa/ui/i18n/i18n';

/** Texts of the customer portal. German first, and without the trade's jargon. */
export const messages = defineMessages(
  'customer',
  {
    brand: 'Kundenportal',
    'nav.tickets': 'Meine Tickets',
    'tickets.title': 'Meine Tickets',
    'tickets.greeting': 'Angemeldet als {{name}}',
  },
  {
    brand: 'Customer portal',
    'nav.tickets': 'My tickets',
    'tickets.title': 'My tickets',
    'tickets.greeting': 'Signed in as {{name}}',
  },
);
