import { randomUUID } from 'node:crypto';
import type { CsvKind } from '@psa/contracts/csv';
import type { TestService } from '@psa/test-kit/service';

const url = '/api/v1/customers';

/** A tenant of its own; files are sent as a browser sends them, without a charset. */
export function csvTenant(crm: TestService, kind: CsvKind = 'customers') {
  const tid = randomUUID();
  const as = { tid };
  const post = async (path: CsvKind, body: string | Buffer, query: string, type: string, claims: object) => {
    const token = await crm.tokens.issue({ tid, role: 'system_admin', ...claims });
    const answer = await crm.app.inject({
      method: 'POST',
      url: `/api/v1/${path}/import-csv${query}`,
      headers: { authorization: `Bearer ${token}`, 'content-type': type },
      payload: body,
    });
    return { status: answer.statusCode, body: JSON.parse(answer.body) };
  };
  return {
    tid,
    as,
    send: (body: string | Buffer, query = '', type = 'text/csv', claims = {}) =>
      post(kind, body, query, type, claims),
    /** The same file, as another kind of record. */
    sendAs: (other: CsvKind, body: string | Buffer, query = '') => post(other, body, query, 'text/csv', {}),
    create: async (body: object) => (await crm.call('POST', url, { as, body })).body.data,
    get: async (id: string) =>
      (await crm.call('GET', `${url}/${id}?include=sites,contacts`, { as })).body.data,
    list: async (path: CsvKind = kind) =>
      (await crm.call('GET', `/api/v1/${path}?limit=100`, { as })).body.data,
    names: async () =>
      (await crm.call('GET', `${url}?limit=100&sort=customer_number`, { as })).body.data.map(
        (row: { name: string }) => row.name,
      ),
    choose: (headings: string, choices: object[]) =>
      crm.call('PATCH', `/api/v1/${kind}/import-columns`, {
        as,
        body: { headings: headings.split(';'), choices },
      }),
    choices: () => crm.call('GET', `/api/v1/${kind}/import-columns`, { as }),
    events: async () => (await crm.outbox()).filter((event) => event.tenant_id === tid),
  };
}
