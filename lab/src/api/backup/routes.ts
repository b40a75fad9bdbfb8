import type { Route } from '../route.ts';
import { ALLOCATE_ROUTES } from './allocate.ts';
import { CONTENT_ROUTES } from './content.ts';
import { JOB_ROUTES } from './jobs.ts';
import { PRUNE_ROUTES } from './prune-routes.ts';
import { SNAPSHOT_ROUTES } from './snapshots.ts';
import { STORAGE_EDIT_ROUTES } from './storage-edits.ts';
import { UPLOAD_ROUTES } from './upload.ts';
import { VZDUMP_ROUTES } from './vzdump.ts';

/** Files on storages, backups with their retention and jobs, snapshots. */
export const BACKUP_ROUTES: readonly Route[] = [
  ...CONTENT_ROUTES,
  ...ALLOCATE_ROUTES,
  ...UPLOAD_ROUTES,
  ...STORAGE_EDIT_ROUTES,
  ...PRUNE_ROUTES,
  ...VZDUMP_ROUTES,
  ...SNAPSHOT_ROUTES,
  ...JOB_ROUTES,
];
