import { type Draft, expected, notifyDrafts, smokeDraft, step, switchDraft } from './draft.ts';
import { type Copy, type DrFacts, type DrRefusal, NEEDED, type Needed, type StandbyFacts } from './facts.ts';
import { SCENARIO, type Scenario } from './scenario.ts';
import type { DrStep } from './step.ts';
import { clearDraft, warmDrafts } from './warm.ts';

/** What is to be done. */
export interface DrPlan {
  readonly scenario: Scenario;
  readonly title: string;
  readonly source: string;
  /** The site that the platform goes on. */
  readonly site: string;
  readonly steps: readonly DrStep[];
  /** Empty: it may be carried out. */
  readonly refusals: readonly DrRefusal[];
  /** Time to be back: the sum of the steps, in ms. */
  readonly rto_ms: number;
  /** What was written so long before is lost, in ms; null: nothing is, or nobody can say. */
  readonly rpo_ms: number | null;
  /** The copies that it takes. */
  readonly copies: Readonly<Partial<Record<Needed, Copy>>>;
  /** The database is brought to this moment from its log, not from a copy; ISO 8601. */
  readonly moment: string | null;
  /** The database that follows on the other site takes over: nothing is restored. */
  readonly warm: boolean;
}

/**
 * What to do when something has happened: the one source of what `psactl dr failover` does and of what the playbooks say.
 * Reads nothing and decides everything.
 */
export function planFailover(scenario: Scenario, facts: DrFacts): DrPlan {
  const { title, source, goes_on } = SCENARIO[scenario];
  const site = goes_on === 'there' ? (facts.to ?? 'the other site') : facts.from;
  const steps = expected(draftsOf(scenario, facts, site), facts.measured);
  const moment = momentOf(scenario, facts);
  const warm = warmOf(scenario, facts);
  const copies = usesDatabase(scenario) && moment === null && warm === null ? facts.copies : {};
  const since = moment?.getTime() ?? (copies.database ? Date.parse(copies.database.at) : null);
  return {
    ...{ scenario, title, source, site, steps },
    refusals: refusalsOf(scenario, facts),
    rto_ms: steps.reduce((sum, { expected_ms }) => sum + expected_ms, 0),
    rpo_ms: warm !== null ? warm.loss_ms : since === null ? null : Math.max(0, facts.now.getTime() - since),
    copies,
    moment: moment?.toISOString() ?? null,
    warm: warm !== null,
  };
}

/**
 * A moment that is named is had from the log where that reaches it. Without one the newest dump is taken: a database that was
 * dropped is dropped in the log as well.
 */
const momentOf = (scenario: Scenario, { before, by_log }: DrFacts): Date | null =>
  SCENARIO[scenario].goes_on === 'here' && usesDatabase(scenario) && by_log ? before : null;

/** What follows on the other site takes over as it is; of a mistake it has the mistake, too. Null: what stands by is filled. */
function warmOf(scenario: Scenario, { standby, before }: DrFacts): StandbyFacts | null {
  const isThere = SCENARIO[scenario].goes_on === 'there';
  return isThere && before === null && standby !== null && standby.why_not === null ? standby : null;
}

const usesDatabase = (scenario: Scenario) => !['container-failed', 'node-lost'].includes(scenario);

function refusalsOf(scenario: Scenario, facts: DrFacts): DrRefusal[] {
  const { goes_on, names } = SCENARIO[scenario];
  const { from, to, named, copies, life } = facts;
  const found: DrRefusal[] = [];
  if (names !== null && named === null)
    found.push({ why: `Which ${names} has failed was not said.`, fix: `Name it with --${names}.` });
  // The newest backup may hold the mistake, too.
  if (scenario === 'data-corrupted' && facts.before === null)
    found.push({
      why: 'When the data were still right was not said.',
      fix: 'Say it with --before, as in --before 2026-11-30T02:00:00Z.',
    });
  if (goes_on === 'here') {
    if (usesDatabase(scenario) && !copies.database && momentOf(scenario, facts) === null)
      found.push({
        why: 'There is no good backup of the database.',
        fix: 'See "psactl backup list"; copies outside: "psactl offsite list".',
      });
    return found;
  }
  if (to === null)
    return [
      {
        why: 'The inventory names no site that takes over.',
        fix: 'Add the section dr to it; "psactl dr status" says what is missing.',
      },
    ];
  if (life.length > 0 && !facts.fence)
    found.push({
      why: `The site ${from} is not gone: ${life.join(', ')}.`,
      fix: 'Two sites that serve would each take writes. If it must not serve any more, add --fence: its edge and its services are stopped first.',
    });
  // Filled as a cold one, a database that follows would be lost.
  if (facts.unsure) return [...found, facts.unsure];
  if (warmOf(scenario, facts) !== null) return found;
  for (const what of ['database', 'secrets'] as const)
    if (!copies[what])
      found.push({
        why: `There is no good copy of the ${what === 'database' ? 'database' : 'secrets, without which no copy of the database can be used'}.`,
        fix: `Mount the folder of its backups, or see "psactl offsite list --site ${from}".`,
      });
  return found;
}

function draftsOf(scenario: Scenario, facts: DrFacts, site: string): readonly Draft[] {
  switch (scenario) {
    case 'container-failed':
      return containerDrafts(facts);
    case 'node-lost':
      return nodeDrafts(facts);
    case 'cluster-lost':
    case 'system-lost':
      return warmOf(scenario, facts) === null
        ? siteDrafts(facts, site)
        : [...goneDrafts(facts), ...warmDrafts(facts, site)];
    default:
      return [...databaseDrafts(facts, site, momentOf(scenario, facts)), ...notifyDrafts(facts)];
  }
}

function containerDrafts({ from, named, container_bytes }: DrFacts): readonly Draft[] {
  const name = named ?? 'NAME';
  return [
    step(
      'restart',
      `Start ${name}, or what runs in it, again.`,
      `psactl exec ${name} --site ${from} -- systemctl --failed`,
      `${name} runs and what is in it is ready: the steps that follow are left out.`,
    ),
    step(
      'container',
      `Restore ${name} from its newest backup. What is there is backed up first.`,
      `psactl restore container ${name} --site ${from}`,
      `${name} runs. A member of a data part follows the others again; nothing that they have is lost.`,
      { confirm: true, ...(container_bytes === null ? {} : { bytes: container_bytes }) },
    ),
    smokeDraft(from),
  ];
}

function nodeDrafts({ from, named }: DrFacts): readonly Draft[] {
  const node = named ?? 'NODE';
  return [
    step(
      'look',
      `See that ${node} is offline and the cluster has its quorum.`,
      `psactl status --site ${from}`,
      `${node} is offline, more than half of the nodes are online.`,
    ),
    step(
      'relocate',
      'Wait until HA has the services on the nodes that are left, and the database has a primary.',
      `psactl status --site ${from} --wait 300`,
      'Each service has a replica that serves. Members of data parts stay where they are, and follow when the node is back.',
    ),
    smokeDraft(from),
  ];
}

/** On the site that it is on: beside what is there, and then in its place. */
function databaseDrafts(
  { copies, from }: Pick<DrFacts, 'copies' | 'from'>,
  site: string,
  moment: Date | null = null,
): readonly Draft[] {
  const { database } = copies;
  const id = database?.id ?? 'BACKUP';
  return [
    step(
      'quiet',
      'Stop the services, so that nobody writes what would be lost.',
      `psactl exec CONTAINER --site ${site} -- systemctl stop psa@SERVICE    # each container of each service`,
      'No replica of any service answers; the portals say 503.',
      { confirm: true },
    ),
    moment === null
      ? step(
          'database',
          `Restore the database from ${id}. What was there stays beside it under another name.`,
          `psactl restore database ${id} --site ${site}${from === site ? '' : ` --of ${from}`}`,
          'It says how many tables there are, and the name of what was there before.',
          { confirm: true, ...(database && { bytes: database.bytes }) },
        )
      : step(
          'database',
          `Bring the database to ${moment.toISOString()} from its log. What was there stays beside it under another name.`,
          `psactl restore pitr --to ${moment.toISOString()} --site ${site}`,
          'It says how many tables there are, and the name of what was there before.',
          { confirm: true },
        ),
    step(
      'migrate',
      'Bring its tables to the release that runs.',
      null,
      'The migrations end without an error.',
    ),
    step(
      'start',
      'Start the services again.',
      `psactl exec CONTAINER --site ${site} -- systemctl start psa@SERVICE    # each container of each service`,
      `"psactl status --site ${site}" says that all are ready.`,
    ),
    smokeDraft(site),
  ];
}

/** Two sites that serve would each take writes. */
function goneDrafts({ from, hooks, life, fence }: DrFacts): readonly Draft[] {
  return [
    step(
      'look',
      `See that ${from} is gone: its nodes answer neither API nor ssh, its edge does not open.`,
      'psactl dr status',
      life.length > 0
        ? `What still answers: ${life.join(', ')}.`
        : 'Nothing of it answers, from a second place as well.',
    ),
    ...(fence
      ? [
          step(
            'fence',
            `Keep ${from} from serving: ${hooks.fence ? 'the hook dr.hooks.fence takes its power or network' : 'its edge and its services are stopped, and start no more'}.`,
            `psactl dr fence --site ${from}`,
            'Its portal does not open.',
            { confirm: true },
          ),
        ]
      : []),
  ];
}

function siteDrafts(facts: DrFacts, site: string): readonly Draft[] {
  const { from, copies, standby } = facts;
  const moved = NEEDED.reduce((sum, what) => sum + (copies[what]?.bytes ?? 0), 0);
  const [quiet, database, migrate, start] = databaseDrafts(facts, site);
  return [
    ...goneDrafts(facts),
    step(
      'fetch',
      `Bring the newest good copies to ${site}.`,
      `psactl offsite fetch --site ${from} --to .psactl/${site}/backups`,
      `${NEEDED.map((what) => copies[what]?.id ?? `no ${what}`).join(', ')}.`,
      { bytes: moved },
    ),
    step(
      'secrets',
      `Take over the secrets of ${from}: without them nobody can read what is encrypted in the database.`,
      `psactl restore config .psactl/${site}/backups/${copies.secrets?.id ?? 'SECRETS'}.tar.zst.age --to taken\ncp -r taken/site/secrets.json taken/site/certs taken/site/releases.json .psactl/${site}/`,
      `.psactl/${site}/secrets.json is that of ${from}.`,
    ),
    ...(standby === null ? [] : [clearDraft(site)]),
    step(
      'build',
      `Build the appliance on ${site}.`,
      `psactl apply --site ${site}`,
      `"psactl plan --site ${site}" has no step left.`,
    ),
    quiet!,
    database!,
    ...(copies.redis
      ? [
          step(
            'redis',
            `Restore Redis from ${copies.redis.id}.`,
            `psactl restore redis ${copies.redis.id} --site ${site} --of ${from}`,
            'It says how many keys there are.',
            { bytes: copies.redis.bytes },
          ),
        ]
      : []),
    migrate!,
    start!,
    smokeDraft(site),
    switchDraft(facts, site),
    ...notifyDrafts(facts),
  ];
}
