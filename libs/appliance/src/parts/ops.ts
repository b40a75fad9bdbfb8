import type { Inventory } from '../inventory/schema.ts';
import type { Answer, Need, Part } from './part.ts';
import { repositoryContents } from './pgbackrest.ts';
import { PGBACKREST_PORT, STANZA } from './pgbackrest-settings.ts';
import { standbyNeeds } from './standby.ts';

/** Where recovery runs by the clock: the repository of the database's log and of its copies. */
export const ops = {
  ports: { pgbackrest: PGBACKREST_PORT },
  jobs: [],
  votes: false,
  dns: 'members',
  secrets: {
    pgbackrest_ssh: { by: 'new', what: 'pgBackRest between the database and its repository' },
    pgbackrest_cipher: {
      by: 'no',
      what: "encrypts pgBackRest's repository",
      way: 'What is in the repository could not be read any more. It stays, and belongs into every backup.',
    },
  },
  needs,
  contents: repositoryContents,
  // That all of it is right is "psactl backup verify"'s.
  probe: () =>
    `timeout 20 su postgres -s /bin/sh -c "cd /; pgbackrest --stanza=${STANZA} --output=json info"`,
  trouble: (_inventory, answers) => trouble(answers),
  alerts: () => [],
} satisfies Part;

function needs(inventory: Inventory): Need[] {
  const why = 'the log of the database';
  return [
    { from: 'postgres', to: 'ops', port: PGBACKREST_PORT, why },
    { from: 'ops', to: 'postgres', port: PGBACKREST_PORT, why: 'copies of the database' },
    ...standbyNeeds(inventory),
  ];
}

/** 1 and 3: no repository of this database; 2: no copy yet, which is the next run's (pgBackRest, `info`). */
function trouble(answers: readonly Answer[]): string | null {
  for (const { container, text } of answers) {
    const [, code, message] =
      /"status":\{"code":(\d+),[^[\]]*?"message":"([^"]*)"\}\}\]\s*$/.exec(text) ?? [];
    if (/^\s*\[\]\s*$/.test(text) || code === '1' || code === '3')
      return `${container.name} has no repository of the database yet`;
    if (code === undefined) return `pgBackRest in ${container.name} does not answer`;
    if (code !== '0' && code !== '2') return `the repository in ${container.name}: ${message}`;
  }
  return null;
}
