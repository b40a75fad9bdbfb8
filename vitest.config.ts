import { existsSync } from 'node:fs';
import { configDefaults, defineConfig } from 'vitest/config';

/** The schema of Proxmox VE and exchanges recorded from a real cluster; they stand beside the repository, not in it. */
const RECORDINGS = new URL('../shared/pve/apidoc.json', import.meta.url);
const withoutRecordings = existsSync(RECORDINGS)
  ? []
  : [
      ...['libs/proxmox/**/*.test.ts', 'lab/src/api/**/*.test.ts', 'lab/src/golden/**/*.test.ts'],
      'cli/src/scene/**/*.test.ts',
    ];
if (withoutRecordings.length > 0)
  console.warn(`NOT RUN, because ../shared/pve is not there: ${withoutRecordings.join(', ')}`);

const exclude = [...configDefaults.exclude, '**/dist/**'];
/** Compares the machine's network before and after, so nothing else may change it meanwhile. */
const ALONE = ['lab/src/network/network.e2e.test.ts'];

export default defineConfig({
  test: {
    reporters: ['default', './scripts/failures.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          sequence: { groupOrder: 0 },
          include: [
            'libs/**/*.test.ts',
            'services/**/*.test.ts',
            'cli/**/*.test.ts',
            'lab/**/*.test.ts',
            'lxc-templates/**/*.test.ts',
            'portals/**/*.test.{ts,tsx}',
            'repo.test.ts',
            'scripts/**/*.test.ts',
            'embedded/**/*.test.ts',
            'bench/**/*.test.ts',
          ],
          exclude: [...exclude, '**/*.{e2e,lab}.test.ts', ...withoutRecordings],
          globalSetup: ['libs/test-kit/src/global-setup.ts', 'libs/test-kit/src/prepared-setup.ts'],
          provide: { allOfAnsible: false },
          testTimeout: 60_000,
          hookTimeout: 90_000,
          maxWorkers: 3,
          // One process after the other loads fastify, drizzle and the rest for every file: half of the time. So
          // files share their process, and none may leave anything behind in it.
          isolate: false,
        },
      },
      {
        test: {
          // The whole platform, browsers, processes that are killed. Three at a time: each waits half of its time.
          name: 'e2e',
          // In one queue with the unit tests, and before them: at its end short files keep both workers busy.
          sequence: { groupOrder: 0 },
          include: ['**/*.e2e.test.ts'],
          exclude: [...exclude, ...ALONE],
          globalSetup: ['libs/test-kit/src/prepared-setup.ts'],
          provide: { importKills: 5 },
          testTimeout: 180_000,
          hookTimeout: 300_000,
          maxWorkers: 3,
        },
      },
      {
        test: {
          name: 'e2e-alone',
          sequence: { groupOrder: 1 },
          include: ALONE,
          exclude,
          globalSetup: ['libs/test-kit/src/prepared-setup.ts'],
          testTimeout: 180_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          maxWorkers: 1,
        },
      },
      {
        test: {
          // The whole appliance on the lab, images made from packages, and what `npm test` repeats only a few times:
          // half an hour and more, by "npm run drills".
          name: 'lab',
          sequence: { groupOrder: 2 },
          include: [
            '**/*.lab.test.ts',
            'cli/src/import.e2e.test.ts',
            'libs/appliance/src/render/ansible.test.ts',
          ],
          exclude,
          globalSetup: ['libs/test-kit/src/prepared-setup.ts'],
          provide: { importKills: 20, allOfAnsible: true },
          testTimeout: 900_000,
          hookTimeout: 1_800_000,
          fileParallelism: false,
          maxWorkers: 1,
        },
      },
    ],
  },
});
