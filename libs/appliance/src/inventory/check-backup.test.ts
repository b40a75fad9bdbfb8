import { expect, it } from 'vitest';
import { checkBackup } from './check-backup.ts';
import { example } from './example.test-helper.ts';

it('files of services are where the dumps of the database have them, and an inventory that has them elsewhere is refused', () => {
  const inventory = example();
  expect(checkBackup(inventory)).toEqual([]);
  inventory.services.find(({ name }) => name === 'tickets')!.settings = { FILES_DIR: '/srv/files' };
  const at = inventory.services.findIndex(({ name }) => name === 'tickets');
  expect(checkBackup(inventory)).toMatchObject([
    {
      path: ['services', at, 'settings', 'FILES_DIR'],
      message: expect.stringContaining('Files of "tickets"'),
    },
  ]);
});
