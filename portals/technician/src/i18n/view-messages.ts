import { defineMessages } from '@psa/ui/i18n/i18n';

/** Names of the views. Apart from the list's texts: the navigation shows them on every page. */
export const messages = defineMessages(
  'technician.views',
  {
    'views.title': 'Ansichten',
    'views.mine': 'Meine',
    'views.team': 'Mein Team',
    'views.unassigned': 'Nicht zugewiesen',
    'views.due': 'Fällig und überfällig',
    'views.waiting': 'Warten auf Kunden',
    'views.open': 'Offene',
    'views.all': 'Alle Tickets',
    'views.shared_mark': 'geteilt',
  },
  {
    'views.title': 'Views',
    'views.mine': 'Mine',
    'views.team': 'My team',
    'views.unassigned': 'Unassigned',
    'views.due': 'Due and overdue',
    'views.waiting': 'Waiting for customer',
    'views.open': 'Open',
    'views.all': 'All tickets',
    'views.shared_mark': 'shared',
  },
);
