/** The accounts that people are told of. */
export const DEMO_LOGINS = [
  { email: 'admin@demo.example', what: 'administrator' },
  { email: 'technician@demo.example', what: 'technician' },
  { email: 'customer@demo.example', what: 'customer, Brauerei Hallertau GmbH' },
  { email: 'other@demo.example', what: 'customer, Zahnarztpraxis Dr. Lindner' },
] as const;

export const DEMO_TENANT = 'Nordlicht IT-Service GmbH';
export const ADMIN = { email: 'admin@demo.example', name: 'Katrin Behrens' };

/** Staff besides the admin. */
export const STAFF = [
  {
    key: 'jonas',
    email: 'technician@demo.example',
    name: 'Jonas Petersen',
    role: 'technician_l2',
    team: 'Service Desk',
    skills: ['windows', 'microsoft 365', 'drucker'],
  },
  {
    key: 'mira',
    email: 'mira.yilmaz@demo.example',
    name: 'Mira Yılmaz',
    role: 'technician_l1',
    team: 'Service Desk',
    skills: ['windows', 'drucker', 'telefonie'],
  },
  {
    key: 'tobias',
    email: 'tobias.kern@demo.example',
    name: 'Tobias Kern',
    role: 'technician_l3',
    team: 'Netz & Server',
    skills: ['netzwerk', 'firewall', 'virtualisierung', 'backup'],
  },
  {
    key: 'svenja',
    email: 'svenja.arndt@demo.example',
    name: 'Svenja Arndt',
    role: 'technician_l2',
    team: 'Netz & Server',
    skills: ['server', 'backup', 'microsoft 365'],
  },
  {
    key: 'holger',
    email: 'holger.wiese@demo.example',
    name: 'Holger Wiese',
    role: 'dispatcher',
    team: 'Service Desk',
    skills: [],
  },
] as const;
export type StaffKey = (typeof STAFF)[number]['key'];

export interface DemoCustomer {
  readonly key: string;
  readonly name: string;
  readonly email: string;
  readonly phone: string;
  readonly website?: string;
  readonly notes: string;
  readonly tags: readonly string[];
  readonly sites: readonly { name: string; street: string; postal_code: string; city: string }[];
  /** The first one is the main contact. */
  readonly contacts: readonly { name: string; email: string; phone?: string; position: string }[];
}

export const CUSTOMERS: readonly DemoCustomer[] = [
  {
    key: 'brauerei',
    name: 'Brauerei Hallertau GmbH',
    email: 'it@brauerei-hallertau.example',
    phone: '+49 8442 555 10',
    website: 'https://brauerei-hallertau.example',
    notes:
      'Abfüllung läuft ab 5 Uhr: Arbeiten am Netz im Sudhaus nur nach 16 Uhr.\nWartungsvertrag Plus, 42 Arbeitsplätze.',
    tags: ['vertrag plus', 'produktion'],
    sites: [
      { name: 'Brauhaus', street: 'Hopfenstraße 12', postal_code: '85283', city: 'Wolnzach' },
      { name: 'Lager und Versand', street: 'Am Gewerbering 3', postal_code: '85290', city: 'Geisenfeld' },
    ],
    contacts: [
      {
        name: 'Anna Reiter',
        email: 'customer@demo.example',
        phone: '+49 8442 555 12',
        position: 'Leitung Verwaltung',
      },
      { name: 'Josef Hausner', email: 'j.hausner@brauerei-hallertau.example', position: 'Braumeister' },
      { name: 'Lena Moser', email: 'l.moser@brauerei-hallertau.example', position: 'Buchhaltung' },
    ],
  },
  {
    key: 'praxis',
    name: 'Zahnarztpraxis Dr. Lindner',
    email: 'praxis@lindner-zahn.example',
    phone: '+49 40 555 2380',
    notes:
      'Praxisverwaltung Dampsoft auf eigenem Server. Keine Neustarts während der Sprechzeiten (Mo–Do 8–18 Uhr).',
    tags: ['vertrag basis', 'gesundheit'],
    sites: [{ name: 'Praxis', street: 'Eppendorfer Landstraße 41', postal_code: '20249', city: 'Hamburg' }],
    contacts: [
      {
        name: 'Petra Sommer',
        email: 'other@demo.example',
        phone: '+49 40 555 2381',
        position: 'Praxismanagerin',
      },
      { name: 'Dr. Martin Lindner', email: 'lindner@lindner-zahn.example', position: 'Inhaber' },
    ],
  },
  {
    key: 'spedition',
    name: 'Spedition Kruse & Söhne',
    email: 'edv@kruse-spedition.example',
    phone: '+49 421 555 700',
    notes: 'Leitstand ist rund um die Uhr besetzt; Störungen dort sind immer dringend.',
    tags: ['vertrag plus', '24x7'],
    sites: [
      { name: 'Zentrale', street: 'Senator-Apelt-Straße 20', postal_code: '28197', city: 'Bremen' },
      { name: 'Depot Süd', street: 'Industriestraße 8', postal_code: '27211', city: 'Bassum' },
    ],
    contacts: [
      {
        name: 'Heiko Kruse',
        email: 'h.kruse@kruse-spedition.example',
        phone: '+49 421 555 701',
        position: 'Geschäftsführer',
      },
      { name: 'Dilara Aydin', email: 'd.aydin@kruse-spedition.example', position: 'Disposition' },
    ],
  },
  {
    key: 'kanzlei',
    name: 'Kanzlei Vogt Rechtsanwälte',
    email: 'sekretariat@vogt-recht.example',
    phone: '+49 511 555 440',
    notes: 'beA und DATEV Anwalt. Vertraulich: Fernwartung nur nach Freigabe am Telefon.',
    tags: ['vertrag basis'],
    sites: [{ name: 'Kanzlei', street: 'Georgstraße 34', postal_code: '30159', city: 'Hannover' }],
    contacts: [
      { name: 'Sabine Vogt', email: 's.vogt@vogt-recht.example', position: 'Rechtsanwältin' },
      {
        name: 'Marie Köster',
        email: 'm.koester@vogt-recht.example',
        phone: '+49 511 555 441',
        position: 'Sekretariat',
      },
    ],
  },
  {
    key: 'stadtwerke',
    name: 'Stadtwerke Lindau am See',
    email: 'it-leitstelle@sw-lindau.example',
    phone: '+49 8382 555 90',
    notes: 'Eigene IT-Leitung; wir machen den zweiten Level und die Wochenenden.',
    tags: ['öffentlich', 'vertrag plus'],
    sites: [{ name: 'Verwaltung', street: 'Auenstraße 5', postal_code: '88131', city: 'Lindau' }],
    contacts: [
      { name: 'Florian Baur', email: 'f.baur@sw-lindau.example', position: 'IT-Leiter' },
      { name: 'Claudia Hirt', email: 'c.hirt@sw-lindau.example', position: 'Kundenservice' },
    ],
  },
  {
    key: 'moebel',
    name: 'Möbelhaus Sander',
    email: 'info@moebel-sander.example',
    phone: '+49 5251 555 60',
    notes: 'Kassensystem an zwölf Plätzen, samstags voll besetzt.',
    tags: ['handel'],
    sites: [
      { name: 'Haus Paderborn', street: 'Warburger Straße 100', postal_code: '33098', city: 'Paderborn' },
    ],
    contacts: [
      { name: 'Uwe Sander', email: 'u.sander@moebel-sander.example', position: 'Geschäftsführer' },
      { name: 'Nicole Brandt', email: 'n.brandt@moebel-sander.example', position: 'Kassenleitung' },
    ],
  },
];
