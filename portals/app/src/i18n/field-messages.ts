import { defineMessages } from '@psa/ui/i18n/i18n';

/** Why the platform did not take a field. Apart, because a first page has no form that it judges. */
export const fieldMessages = defineMessages(
  'field',
  {
    empty: 'Bitte ausfüllen.',
    email: 'Das ist keine vollständige E-Mail-Adresse.',
    email_taken: 'Diese E-Mail-Adresse gehört schon zu einem Benutzer.',
    long: 'Höchstens {{most}} Zeichen, bitte.',
    needs_customer: 'Diese Rolle braucht einen Kunden.',
    no_customer: 'Diese Rolle gehört zum Team. Bitte keinen Kunden wählen.',
    resolution_short: 'Die Lösung darf nicht kürzer sein als die Reaktion.',
    no_deadline: 'Bitte mindestens eine Frist angeben.',
    never_reached: 'Ein Jahr dieses Kalenders hat dafür nicht genug Arbeitszeit.',
    policy_unreached: 'So bliebe der SLA-Regel „{{policy}}“ nicht genug Arbeitszeit für ihre Fristen.',
    refused: 'Das wird so nicht angenommen.',
  },
  {
    empty: 'Please fill this in.',
    email: 'That is not a complete e-mail address.',
    email_taken: 'This e-mail address belongs to a user already.',
    long: 'At most {{most}} characters, please.',
    needs_customer: 'This role needs a customer.',
    no_customer: 'This role belongs to staff. Please choose no customer.',
    resolution_short: 'The resolution must not be shorter than the response.',
    no_deadline: 'Please set at least one deadline.',
    never_reached: 'A year of this calendar has not enough working time for that.',
    policy_unreached:
      'This would leave the SLA policy “{{policy}}” not enough working time for its deadlines.',
    refused: 'This is not accepted as it is.',
  },
);
