import type { BackupReport } from '@psa/contracts/backups';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import type { Static } from 'typebox';

type Report = Static<typeof BackupReport>;

/** The last report of each site, by name. */
export async function list(tx: Tx, ctx: RequestContext): Promise<Report[]> {
  const rows = await tx.sql<{ report: Report }[]>`
    select report from backup_reports where tenant_id = ${ctx.scope.tenant_id} order by site`;
  return rows.map(({ report }) => report);
}

/** Keeps a report in the place of an older one of the same site. @returns that which stands now */
export async function put(tx: Tx, ctx: RequestContext, report: Report): Promise<Report> {
  await tx.sql`
    insert into backup_reports (tenant_id, site, at, report)
    values (${ctx.scope.tenant_id}, ${report.site}, ${report.at}, ${JSON.stringify(report)}::jsonb)
    on conflict (tenant_id, site) do update set at = excluded.at, report = excluded.report
    where excluded.at >= backup_reports.at`;
  const [row] = await tx.sql<{ report: Report }[]>`
    select report from backup_reports
    where tenant_id = ${ctx.scope.tenant_id} and site = ${report.site}`;
  return row!.report;
}

export async function count(tx: Tx, ctx: RequestContext, except: string): Promise<number> {
  const [row] = await tx.sql<{ count: number }[]>`
    select count(*)::int as count from backup_reports
    where tenant_id = ${ctx.scope.tenant_id} and site <> ${except}`;
  return row!.count;
}
