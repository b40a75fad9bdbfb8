import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/** The schema of Proxmox VE and exchanges recorded from a real cluster; they stand beside the repository, not in it. */
const RECORDINGS = new URL('../shared/pve/apidoc.json', import.meta.url);
const withoutRecordings = existsSync(RECORDINGS)
  ? []
  : ['libs/proxmox/**/*.test.ts', 'lab/src/api/**/*.test.ts', 'lab/src/golden/**/*.test.ts'];
if (withoutRecordings.length > 0)
  console.warn(`NOT RUN, because ../shared/pve is not there: ${withoutRecordings.join(', ')}`);

export default defineConfig({
  test: {
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
          exclude: ['**/node_modules/**', '**/dist/**', '**/*.{e2e,lab}.test.ts', ...withoutRecordings],
          globalSetup: ['libs/test-kit/src/global-setup.ts'],
          testTimeout: 30_000,
          hookTimeout: 90_000,
          maxWorkers: 2,
          // A machine at its limit fails a test now and then; the report marks what needed its second try.
          retry: 1,
        },
      },
      {
        test: {
          name: 'e2e',
          // After the unit tests, one file at a time: each has the machine to itself.
          sequence: { groupOrder: 1 },
          include: ['**/*.e2e.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
          testTimeout: 180_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          maxWorkers: 1,
          // A machine at its limit fails a test now and then; the report marks what needed its second try.
          retry: 1,
        },
      },
      {
        test: {
          // The whole appliance on the lab, and images made from packages: half an hour and more, by "npm run drills".
          name: 'lab',
          sequence: { groupOrder: 2 },
          include: ['**/*.lab.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
          testTimeout: 900_000,
          hookTimeout: 1_800_000,
          fileParallelism: false,
          maxWorkers: 1,
        },
      },
    ],
  },
});
