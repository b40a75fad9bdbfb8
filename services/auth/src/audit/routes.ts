import { AuditEntry, AuditVerification, ListAuditQuery } from '@psa/contracts/auth';
import { Many, One } from '@psa/contracts/common';
import { type App, contextOf } from '@psa/service-kit/app';
import { toIso } from '@psa/service-kit/database';
import { type ListSpec, listResponse, parseList } from '@psa/service-kit/list';
import type { AuthDeps } from '../deps.ts';
import type { AuditRow } from './entry.ts';
import * as repository from './repository.ts';
import { verifyAudit } from './service.ts';

/** Newest first, always: the number is the order. */
const LIST: ListSpec = {
  sortable: {},
  defaultSort: [['id', 'desc']],
  fields: [],
  id: { sql: 'seq', type: 'bigint' },
};

const shown = (row: AuditRow) => ({
  id: row.id,
  seq: Number(row.seq),
  occurred_at: toIso(row.occurred_at),
  action: row.action,
  actor: row.actor,
  object: { type: row.object_type, id: row.object_id },
  request_id: row.request_id,
  detail: row.detail,
  hash: row.hash,
});

export function auditRoutes(app: App, deps: AuthDeps): void {
  app.get(
    '/api/v1/audit',
    {
      config: { permission: 'audit:view', list: LIST },
      schema: {
        operationId: 'listAuditEntries',
        summary: 'List audit entries, newest first',
        querystring: ListAuditQuery,
        response: { 200: Many(AuditEntry) },
      },
    },
    async (request) => {
      const { scope } = contextOf(request);
      const list = parseList({ ...request.query, count: 'none' }, LIST);
      const result = await deps.db.read(scope, (tx) =>
        repository.list(tx, scope.tenant_id, list, request.query),
      );
      const response = listResponse(list, result, result.rows.map(shown), request.url);
      return { ...response, links: { ...response.links, next: nextLink(request.url, result.nextCursor) } };
    },
  );

  app.get(
    '/api/v1/audit/verify',
    {
      config: { permission: 'audit:view' },
      schema: {
        operationId: 'verifyAudit',
        summary: 'Prove that the audit log is whole',
        description: 'Recomputes the hash of every entry; names the first one that does not fit.',
        response: { 200: One(AuditVerification) },
      },
    },
    async (request) => ({ data: await verifyAudit(deps.db, contextOf(request).scope.tenant_id) }),
  );
}

/** This list has cursors only, from the first page on. */
function nextLink(url: string, cursor: string | null): string | null {
  if (cursor === null) return null;
  const [path, query = ''] = url.split('?', 2) as [string, string?];
  const params = new URLSearchParams(query);
  params.set('cursor', cursor);
  return `${path}?${params}`;
}
