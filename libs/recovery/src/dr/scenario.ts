/** What can have happened. Each stands in one of the two documents that the platform comes from. */
export const SCENARIOS = [
  'container-failed',
  'database-corrupt',
  'node-lost',
  'cluster-lost',
  'database-failed',
  'system-lost',
  'data-corrupted',
] as const;
export type Scenario = (typeof SCENARIOS)[number];

/** Whether a text names a scenario. */
export const isScenario = (text: string): text is Scenario => SCENARIOS.some((one) => one === text);

/** What is known of a scenario before anything has happened. */
export interface ScenarioFacts {
  readonly title: string;
  /** Where it comes from. */
  readonly source: string;
  /** How it looks from outside, for whoever has just been woken. */
  readonly signs: readonly string[];
  /** Where the platform goes on: on the site that it is on, or on the other one. */
  readonly goes_on: 'here' | 'there';
  /** Which of the promises of `backup.targets` it is held to. */
  readonly target: 'cluster' | 'database';
  /** What somebody must name beside it. */
  readonly names: 'container' | 'node' | null;
}

export const SCENARIO: Readonly<Record<Scenario, ScenarioFacts>> = {
  'container-failed': {
    title: 'One container has failed',
    source: 'BDUF §10.2, scenario 1',
    signs: ['One service or data part has fewer members than it should.', 'The portals go on.'],
    ...{ goes_on: 'here', target: 'database', names: 'container' },
  },
  'database-corrupt': {
    title: 'The database is damaged',
    source: 'BDUF §10.2, scenario 2',
    signs: [
      'Requests fail with errors of the database.',
      'PostgreSQL logs "invalid page" or "could not read block".',
    ],
    ...{ goes_on: 'here', target: 'database', names: null },
  },
  'node-lost': {
    title: 'A node is lost',
    source: 'BDUF §10.2, scenario 3',
    signs: [
      'One node is offline, the cluster has its quorum.',
      'The portals stood still for some seconds and go on.',
    ],
    ...{ goes_on: 'here', target: 'cluster', names: 'node' },
  },
  'cluster-lost': {
    title: 'The whole cluster is lost',
    source: 'BDUF §10.2, scenario 4',
    signs: [
      'No node answers, the portals do not open.',
      'It is not only the way there: the fault is seen from a second place, too.',
    ],
    ...{ goes_on: 'there', target: 'cluster', names: null },
  },
  'database-failed': {
    title: 'The database does not come up any more',
    source: 'SAFe backup and DR, scenario 1',
    signs: ['PostgreSQL has a primary and the database of the platform is not there, or is empty.'],
    ...{ goes_on: 'here', target: 'database', names: null },
  },
  'system-lost': {
    title: 'The whole system is lost and built anew',
    source: 'SAFe backup and DR, scenario 2',
    signs: ['Nothing of the platform is left but its backups outside.'],
    ...{ goes_on: 'there', target: 'cluster', names: null },
  },
  'data-corrupted': {
    title: 'Data were changed or deleted by mistake',
    source: 'SAFe backup and DR, scenario 3',
    signs: ['The platform runs, and what people see in it is wrong since a certain moment.'],
    ...{ goes_on: 'here', target: 'database', names: null },
  },
};
