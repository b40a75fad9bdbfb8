// `npm run golden`: writes anew what follows from the sources and is kept for review.
import { run } from './setup.mjs';

/** Each group reads what those before it wrote. */
const GROUPS = [
  [
    'embedded/src/openapi.test.ts',
    'embedded/src/schema.test.ts',
    'cli/src/commands/template/inventories.test.ts',
  ],
  [
    'scripts/api-types.test.ts',
    'libs/appliance/src/inventory/json-schema.test.ts',
    ...['dns', 'haproxy', 'monitoring', 'pfsense', 'timers'].map(
      (name) => `libs/appliance/src/render/${name}.test.ts`,
    ),
    'libs/appliance/src/contents/contents.test.ts',
    'cli/src/dr/playbooks.test.ts',
    'cli/src/scene/releases.test.ts',
  ],
  // Its other tests run the playbooks, for minutes.
  ['libs/appliance/src/render/ansible.test.ts', '--testNamePattern', 'follow from the example inventory'],
];
for (const args of GROUPS) {
  const code = run('vitest', ['run', '--project', 'unit', ...args, '--update']);
  if (code !== 0) process.exit(code);
}
