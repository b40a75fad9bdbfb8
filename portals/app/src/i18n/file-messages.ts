import { defineMessages } from '@psa/ui/i18n/i18n';

/** Texts of a ticket's files that both portals say. Apart, because a first page has none. */
export const fileMessages = defineMessages(
  'file',
  {
    delete: '{{name}} löschen',
    delete_sure: 'Niemand kann {{name}} danach noch öffnen. Der Verlauf behält den Namen.',
    deleted: '{{name}} gelöscht',
    show: '{{name}} ansehen',
    save: '{{name}} herunterladen',
    picture: 'Bild',
    not_shown: 'Diese Datei lässt sich nicht anzeigen.',
    place: '{{at}} von {{count}}',
    previous: 'Vorherige Datei',
    next: 'Nächste Datei',
    no_pdf: 'Dieser Browser zeigt keine PDF-Dateien an.',
  },
  {
    delete: 'Delete {{name}}',
    delete_sure: 'Nobody can open {{name}} afterwards. The history keeps its name.',
    deleted: '{{name}} deleted',
    show: 'View {{name}}',
    save: 'Download {{name}}',
    picture: 'Picture',
    not_shown: 'This file cannot be displayed.',
    place: '{{at}} of {{count}}',
    previous: 'Previous file',
    next: 'Next file',
    no_pdf: 'This browser does not display PDF files.',
  },
);
