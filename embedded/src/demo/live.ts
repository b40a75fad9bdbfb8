import type { Priority, TicketStatus } from '@psa/contracts/tickets';
import type { StaffKey } from './people.ts';

/** Something somebody wrote; `by` a member of staff or `customer`. */
export interface LiveComment {
  readonly by: StaffKey | 'customer';
  readonly text: string;
  readonly internal?: true;
}

/** A ticket of today or yesterday that is being worked on. */
export interface LiveTicket {
  readonly customer: string;
  readonly contact: number;
  readonly category: string;
  readonly priority: Priority;
  readonly title: string;
  readonly text: string;
  readonly tags?: readonly string[];
  readonly source?: 'phone' | 'email';
  readonly who?: StaffKey;
  readonly status?: Exclude<TicketStatus, 'new' | 'closed'>;
  readonly comments?: readonly LiveComment[];
  /** Minutes worked, and what was done. */
  readonly time?: readonly [number, string][];
}

export const LIVE_TICKETS: readonly LiveTicket[] = [
  {
    customer: 'brauerei',
    contact: 0,
    category: 'Microsoft 365',
    priority: 'high',
    who: 'jonas',
    status: 'in_progress',
    title: 'Teams-Besprechungen: niemand hört uns',
    text: 'In unserem Besprechungsraum hören wir die anderen, aber sie uns nicht. Um 14 Uhr ist das Gespräch mit dem Großhändler, bis dahin muss es gehen.',
    tags: ['teams', 'konferenzraum'],
    comments: [
      {
        by: 'jonas',
        text: 'Guten Morgen Frau Reiter, ich schaue gleich per Fernwartung auf den Raumrechner. Bitte lassen Sie ihn eingeschaltet.',
      },
      { by: 'customer', text: 'Danke! Der Rechner läuft, das Mikrofon leuchtet grün.' },
      {
        by: 'jonas',
        text: 'Nach dem letzten Update ist als Mikrofon die Kamera eingestellt, deren Mikrofon im Treiber aus ist. Treiber 3.2 zurückgerollt, Gegenprobe läuft.',
        internal: true,
      },
    ],
    time: [[25, 'Fernwartung, Treiber der Konferenzkamera zurückgerollt']],
  },
  {
    customer: 'brauerei',
    contact: 0,
    category: 'Benutzerkonto',
    priority: 'low',
    status: 'waiting_customer',
    who: 'mira',
    title: 'Zugang für den neuen Auszubildenden',
    text: 'Ab dem Ersten fängt Maximilian Huber in der Verwaltung an. Er braucht Mail, DATEV nur lesend und das Laufwerk V.',
    tags: ['neuer mitarbeiter'],
    comments: [
      {
        by: 'mira',
        text: 'Gern. Welche Abteilung soll im Adressbuch stehen, und bekommt er ein eigenes Notebook oder den Platz von Herrn Gruber?',
      },
    ],
  },
  {
    customer: 'brauerei',
    contact: 1,
    category: 'Netzwerk',
    priority: 'critical',
    who: 'tobias',
    status: 'in_progress',
    source: 'phone',
    title: 'Abfüllung: Steuerung verliert Verbindung zum Leitrechner',
    text: 'Anruf Herr Hausner 6:12 Uhr: Die Linie 2 bleibt alle zehn Minuten stehen, Anzeige „Timeout SPS“. Linie 1 läuft.',
    tags: ['produktion', 'switch'],
    comments: [
      {
        by: 'tobias',
        text: 'Port 14 am Switch SW-ABF-02 zeigt 3 % CRC-Fehler. Vermutlich das Kabel durch den Neubau; Ersatzkabel liegt im Schrank.',
        internal: true,
      },
      {
        by: 'tobias',
        text: 'Herr Hausner, wir haben den Anschluss auf einen anderen Port gelegt. Bitte melden Sie sich sofort, wenn die Linie noch einmal stehen bleibt. Das Kabel tauschen wir heute nach 16 Uhr.',
      },
    ],
    time: [
      [45, 'Fehlersuche mit Produktion am Telefon, Port umgesteckt'],
      [15, 'Switch-Protokolle ausgewertet'],
    ],
  },
  {
    customer: 'brauerei',
    contact: 2,
    category: 'Anwendung',
    priority: 'medium',
    who: 'svenja',
    status: 'resolved',
    title: 'Lohnlauf bricht mit Fehler 1406 ab',
    text: 'Beim Starten des Lohnlaufs kommt „Fehler 1406: Wert konnte nicht geschrieben werden“. Abgabe ist morgen.',
    tags: ['datev'],
    comments: [
      {
        by: 'svenja',
        text: 'Dem Dienst fehlte nach dem Update ein Schreibrecht. Ich habe es gesetzt und einen Probelauf gemacht, der durchging. Bitte einmal echt starten.',
      },
    ],
    time: [[35, 'Rechte des DATEV-Dienstes berichtigt, Probelauf']],
  },
  {
    customer: 'brauerei',
    contact: 0,
    category: 'Drucker',
    priority: 'medium',
    title: 'Farbdrucker im 1. Stock druckt streifig',
    text: 'Alle Ausdrucke haben einen blauen Streifen am rechten Rand. Toner ist laut Anzeige noch bei 40 %.',
    tags: ['drucker'],
  },
  {
    customer: 'praxis',
    contact: 0,
    category: 'Anwendung',
    priority: 'high',
    who: 'jonas',
    status: 'assigned',
    title: 'Terminbuch zeigt Termine doppelt',
    text: 'Seit heute Morgen stehen alle Termine ab 11 Uhr zweimal im Buch. Wir trauen uns nicht, welche zu löschen.',
    tags: ['dampsoft'],
    comments: [{ by: 'customer', text: 'Nachtrag: Auf dem Rechner von Dr. Lindner sind sie nur einmal da.' }],
  },
  {
    customer: 'praxis',
    contact: 0,
    category: 'Beschaffung',
    priority: 'low',
    title: 'Angebot für neuen Server',
    text: 'Unser Server wird im Herbst sechs Jahre alt. Bitte ein Angebot mit Einrichtung, Umzug am Wochenende.',
    tags: ['angebot', 'server'],
  },
  {
    customer: 'praxis',
    contact: 1,
    category: 'Sicherheit',
    priority: 'medium',
    who: 'tobias',
    status: 'waiting_customer',
    source: 'email',
    title: 'Zweiter Faktor für den Fernzugang',
    text: 'Die Versicherung verlangt, dass der Zugang von zu Hause mit zweitem Faktor gesichert ist. Was brauchen wir dafür?',
    tags: ['vpn', 'mfa'],
    comments: [
      {
        by: 'tobias',
        text: 'Herr Dr. Lindner, das geht mit einer App auf dem Handy, ohne Zusatzkosten. Wann dürfen wir das mit Ihnen und Frau Sommer einrichten? Es dauert je 15 Minuten.',
      },
    ],
    time: [[20, 'Konzept und Rückfrage']],
  },
  {
    customer: 'spedition',
    contact: 1,
    category: 'Anwendung',
    priority: 'critical',
    who: 'svenja',
    status: 'in_progress',
    source: 'phone',
    title: 'Ladelisten werden nicht an die Fahrer übertragen',
    text: 'Anruf Leitstand: Seit 5:50 Uhr hängen die Touren auf „wird gesendet“. Zwölf Wagen warten.',
    tags: ['telematik', 'ausfall'],
    comments: [
      {
        by: 'svenja',
        text: 'Zertifikat der Schnittstelle ist heute Nacht abgelaufen, die Verlängerung hat am Proxy gehangen. Neues ist eingespielt, Warteschlange läuft ab (212 → 90).',
        internal: true,
      },
      {
        by: 'svenja',
        text: 'Die Übertragung läuft wieder, die ersten Touren sind draußen. Bis alles nachgesendet ist, dauert es etwa 20 Minuten.',
      },
    ],
    time: [[50, 'Störung Telematik: Zertifikat erneuert, Warteschlange beobachtet']],
  },
  {
    customer: 'spedition',
    contact: 0,
    category: 'Arbeitsplatz',
    priority: 'medium',
    who: 'mira',
    status: 'assigned',
    title: 'Notebook heruntergefallen, Bildschirm gesprungen',
    text: 'Mir ist das Notebook vom Beifahrersitz gerutscht. Es läuft noch, aber man sieht nur die halbe Anzeige.',
    tags: ['hardware', 'notebook'],
  },
  {
    customer: 'spedition',
    contact: 1,
    category: 'Telefonie',
    priority: 'low',
    status: 'resolved',
    who: 'mira',
    title: 'Ansage für Betriebsausflug aufnehmen',
    text: 'Am kommenden Freitag ist ab 13 Uhr nur der Leitstand besetzt. Bitte Ansage schalten und auf die 711 umleiten.',
    tags: ['telefon'],
    comments: [
      {
        by: 'mira',
        text: 'Ist für Freitag 13 Uhr bis Samstag 6 Uhr eingerichtet; ich habe die Umleitung einmal von außen getestet.',
      },
    ],
    time: [[15, 'Ansage und Umleitung eingerichtet']],
  },
  {
    customer: 'kanzlei',
    contact: 1,
    category: 'Microsoft 365',
    priority: 'medium',
    title: 'Postfach ist voll',
    text: 'Seit gestern kann ich keine Mails mehr senden: „Ihr Postfach hat die maximale Größe erreicht.“ Löschen darf ich nichts.',
    tags: ['postfach'],
    source: 'email',
  },
  {
    customer: 'kanzlei',
    contact: 0,
    category: 'Sicherheit',
    priority: 'high',
    who: 'tobias',
    status: 'in_progress',
    title: 'Fremde Anmeldung aus dem Ausland gemeldet',
    text: 'Ich habe eine Warnung bekommen, dass sich jemand aus Lagos in mein Konto einloggen wollte. War das erfolgreich?',
    tags: ['konto', 'sicherheit'],
    comments: [
      {
        by: 'tobias',
        text: 'Anmeldeprotokoll geprüft: drei Versuche mit falschem Kennwort, keiner erfolgreich. Sitzungen vorsorglich beendet.',
        internal: true,
      },
      {
        by: 'tobias',
        text: 'Frau Vogt, es gab nur Fehlversuche. Ich habe alle Sitzungen beendet; bitte ändern Sie bei der nächsten Anmeldung Ihr Kennwort.',
      },
    ],
    time: [[30, 'Anmeldeprotokolle geprüft, Sitzungen beendet']],
  },
  {
    customer: 'kanzlei',
    contact: 1,
    category: 'Drucker',
    priority: 'low',
    title: 'Neuer Treiber für den Kopierer im Flur',
    text: 'Beim Drucken fehlt die Auswahl „beidseitig“. Beim alten Gerät ging das.',
    tags: ['drucker', 'treiber'],
  },
  {
    customer: 'stadtwerke',
    contact: 0,
    category: 'Server',
    priority: 'high',
    who: 'svenja',
    status: 'assigned',
    title: 'Sicherheitsupdates der Hypervisoren im Wartungsfenster',
    text: 'Bitte die beiden Knoten am Samstag ab 20 Uhr nacheinander aktualisieren, Maschinen vorher verschieben. Freigabe liegt vor.',
    tags: ['wartung', 'virtualisierung'],
  },
  {
    customer: 'stadtwerke',
    contact: 1,
    category: 'Anwendung',
    priority: 'medium',
    title: 'Kundenportal: Zählerstand wird nicht gespeichert',
    text: 'Kunden rufen an, dass nach „Absenden“ wieder die leere Maske kommt. Im Büro können wir es nachstellen.',
    tags: ['portal'],
  },
  {
    customer: 'stadtwerke',
    contact: 0,
    category: 'Netzwerk',
    priority: 'medium',
    who: 'tobias',
    status: 'waiting_customer',
    source: 'email',
    title: 'VLAN für die neuen Ladesäulen',
    text: 'Die Ladesäulen am Hafen sollen in ein eigenes Netz, nur Verbindung zum Abrechnungsdienst nach außen.',
    tags: ['vlan', 'firewall'],
    comments: [
      {
        by: 'tobias',
        text: 'Herr Baur, VLAN 210 ist vorbereitet. Bitte schicken Sie mir Adressen und Ports des Abrechnungsdienstes, dann schalte ich die Regel frei.',
      },
    ],
    time: [[40, 'VLAN angelegt, Regelwerk vorbereitet']],
  },
  {
    customer: 'moebel',
    contact: 1,
    category: 'Kasse',
    priority: 'high',
    who: 'jonas',
    status: 'in_progress',
    source: 'phone',
    title: 'Kartenzahlung an Kasse 9 bis 12 dauert eine Minute',
    text: 'Anruf Frau Brandt: Die Karten werden gelesen, dann dreht sich minutenlang das Symbol. Am Samstag geht das so nicht.',
    tags: ['kasse', 'kartenterminal'],
    comments: [
      {
        by: 'jonas',
        text: 'Die vier Terminals fragen noch den alten Namensserver. Einer ist umgestellt und schnell; die anderen drei mache ich nach Ladenschluss.',
      },
    ],
    time: [[30, 'Terminal Kasse 9 umgestellt und geprüft']],
  },
  {
    customer: 'moebel',
    contact: 0,
    category: 'Microsoft 365',
    priority: 'low',
    title: 'Verteiler „Küchenplanung“ anlegen',
    text: 'Mit Frau Brandt, Herrn Lutz und mir. Auch von außen erreichbar.',
    tags: ['verteiler'],
    source: 'email',
  },
  {
    customer: 'moebel',
    contact: 0,
    category: 'Backup',
    priority: 'medium',
    who: 'svenja',
    status: 'assigned',
    title: 'Nachweis über Rücksicherung für die Prüfung',
    text: 'Unser Wirtschaftsprüfer möchte sehen, dass die Sicherung der Warenwirtschaft auch zurückgespielt werden kann. Termin ist in zwei Wochen.',
    tags: ['backup', 'prüfung'],
  },
];
