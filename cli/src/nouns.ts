/** What each noun is about, for the help. */
export const NOUNS: Readonly<Record<string, string>> = {
  user: 'people who may sign in',
  import: 'bring data in from other systems',
  events: 'the event bus',
  'events dlq': 'events that no consumer could take (dead letters)',
  audit: 'the audit log',
  template: 'what containers are made from',
  certs: 'certificates of the edge',
  secrets: 'passwords and keys of an appliance',
  backup: 'backups, and the proof that they restore',
  'backup catalogue': 'what is known of the backups of a site',
  offsite: 'copies of backups outside the site',
  restore: 'bring back what a backup holds',
  dr: 'move the platform to another site, and back',
  drill: 'restore backups only to prove them',
  lab: 'a cluster of three nodes on this machine, to try everything on',
};

/** What the help of psactl itself shows; each is an example of its command. */
export const FIRST_EXAMPLES: readonly { readonly run: string; readonly note: string }[] = [
  { run: 'psactl status', note: 'one screen: services, tickets, events' },
  { run: 'psactl lab up', note: 'three nodes; the inventory for them is written, too' },
  { run: 'psactl plan', note: 'what is to be done on the first site of ./appliance.yaml' },
  { run: 'psactl apply --site lab --yes', note: 'the whole appliance on the lab' },
  { run: 'psactl deploy --release 0.1.0 --site lab', note: 'every service' },
];
