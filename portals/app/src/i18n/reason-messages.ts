import type { Reason } from '@psa/contracts/reasons';
import { defineMessages } from '@psa/ui/i18n/i18n';

/** Why the state of things does not allow something: a sentence for each reason that the platform gives. */
export const reasonMessages = defineMessages(
  'reason',
  {
    in_use: 'Das wird noch gebraucht. Bitte erst dort ändern.',
    is_default: 'Das ist der Standard. Bitte erst einen anderen zum Standard machen.',
    too_many_tickets: 'Zu viele Tickets tragen diesen Namen. Er lässt sich nicht auf einmal ändern.',
    last_administrator: 'Das ist das letzte aktive Administrationskonto. Bitte erst ein anderes dazu machen.',
    administrators_keep_all: 'Die Administration behält alle Rechte, damit immer jemand Fehler beheben kann.',
    only_invited: 'Einladen lässt sich nur, wer noch nie angemeldet war.',
    not_invited_yet: 'Dieses Konto hat noch kein Passwort. Bitte stattdessen einladen.',
    no_password_yet:
      'Dieses Konto hat noch kein Passwort. Bitte den Link aus der E-Mail benutzen oder einen neuen anfordern.',
    password_changed_meanwhile: 'Das Passwort wurde zur gleichen Zeit schon geändert.',
    most_api_keys: 'Mehr API-Schlüssel sind nicht erlaubt. Bitte erst einen widerrufen.',
    platform_role: 'Diese Rolle gehört zur Plattform und lässt sich nicht löschen.',
    role_in_use: 'Diese Rolle ist noch vergeben. Bitte den Benutzern erst eine andere geben.',
    set_up_already: 'Die Plattform ist schon eingerichtet. Bitte anmelden.',
    import_under_way: 'Gerade läuft schon ein Import. Bitte warten, bis er fertig ist.',
  } satisfies Record<Reason, string>,
  {
    in_use: 'This is still in use. Please change it there first.',
    is_default: 'This is the default. Please make another one the default first.',
    too_many_tickets: 'Too many tickets carry this name to change it all at once.',
    last_administrator: 'This is the last active administrator. Please make somebody else one first.',
    administrators_keep_all:
      'Administrators keep every permission, so that somebody can always put things right.',
    only_invited: 'Only people who have never signed in can be invited.',
    not_invited_yet: 'This account has no password yet. Please invite the person instead.',
    no_password_yet:
      'This account has no password yet. Please use the link from the e-mail, or request a new one.',
    password_changed_meanwhile: 'The password has just been changed elsewhere.',
    most_api_keys: 'No more API keys are allowed. Please revoke one first.',
    platform_role: 'This role belongs to the platform and cannot be deleted.',
    role_in_use: 'People still hold this role. Please give them another one first.',
    set_up_already: 'The platform is already set up. Please sign in.',
    import_under_way: 'Another import is running. Please wait until it is done.',
  },
);
