import type { Answer, Need, Part } from './part.ts';
import { repositoryContents } from './pgbackrest.ts';
import { PGBACKREST_PORT, REPOSITORY, STANZA } from './pgbackrest-settings.ts';

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
  // The disk's state is the answer; that all of it is right is "psactl backup verify"'s.
  probe: () => `if [ -e ${REPOSITORY}/archive/${STANZA}/archive.info ]; then echo stanza; else echo none; fi`,
  trouble: (_inventory, answers) => trouble(answers),
  alerts: () => [],
} satisfies Part;

function needs(): Need[] {
  const why = 'the log of the database';
  return [
    { from: 'postgres', to: 'ops', port: PGBACKREST_PORT, why },
    { from: 'ops', to: 'postgres', port: PGBACKREST_PORT, why: 'copies of the database' },
  ];
}

function trouble(answers: readonly Answer[]): string | null {
  const ill = answers.find(({ text }) => text.trim() !== 'stanza');
  return ill ? `${ill.container.name} has no repository of the database yet` : null;
}
