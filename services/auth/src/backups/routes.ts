import { BackupReport } from '@psa/contracts/backups';
import { One } from '@psa/contracts/common';
import { type App, contextOf } from '@psa/service-kit/app';
import { invalid } from '@psa/service-kit/errors';
import { write } from '@psa/service-kit/write';
import Type from 'typebox';
import type { AuthDeps } from '../deps.ts';
import * as repository from './repository.ts';

const path = '/api/v1/backups';
/** Clocks of machines that are in order lie no further apart: a report from the future would hide all that come before. */
const CLOCK_SLACK_MS = 5 * 60_000;
/** An appliance has one or two. */
const MOST_SITES = 20;

/** How the backups of the appliance are: told by psactl, read by administrators. */
export function backupRoutes(app: App, deps: AuthDeps): void {
  const { db, clock } = deps;
  app.get(
    path,
    {
      config: { permission: 'backup:view' },
      schema: {
        operationId: 'getBackupReports',
        summary: 'How the backups of each site are, as psactl reported it last',
        tags: ['backups'],
        response: { 200: One(Type.Array(BackupReport)) },
      },
    },
    async (request) => {
      const ctx = contextOf(request);
      return { data: await db.read(ctx.scope, (tx) => repository.list(tx, ctx)) };
    },
  );

  app.post(
    path,
    {
      config: { permission: 'backup:report' },
      schema: {
        operationId: 'reportBackups',
        summary: 'Report how the backups of a site are; answers with the newest report of it',
        tags: ['backups'],
        body: BackupReport,
        response: { 200: One(BackupReport) },
      },
    },
    async (request, reply) =>
      write(db, request, reply, async (tx, ctx) => {
        const { at, site } = request.body;
        if (Date.parse(at) > clock.now().getTime() + CLOCK_SLACK_MS)
          throw invalid({ field: 'at', code: 'in_future', message: 'lies in the future' });
        if ((await repository.count(tx, ctx, site)) >= MOST_SITES)
          throw invalid({ field: 'site', code: 'too_many', message: `is one more than ${MOST_SITES} sites` });
        return { status: 200, body: { data: await repository.put(tx, ctx, request.body) } };
      }),
  );
}
