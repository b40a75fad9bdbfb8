import { randomUUID } from 'node:crypto';
import { type AddressInfo, connect } from 'node:net';
import { ATTACHMENT_QUOTA_BYTES, REMOVED_FILES_KEPT_DAYS } from '@psa/contracts/limits';
import type { AccessClaims } from '@psa/contracts/tokens';
import { until } from '@psa/test-kit/until';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDesk, testDesk } from '../desk.test-helper.ts';

const PATH = '/api/v1/attachment-quota';

describe('the room for attachments', () => {
  let desk: TestDesk;
  let base: string;
  let [ticket, otherTicket] = ['', ''];
  beforeAll(async () => {
    desk = await testDesk();
    base = await desk.service.app.listen({ host: '127.0.0.1', port: 0 });
    ticket = (await desk.open({}, desk.user)).id;
    otherTicket = (await desk.open({ customer_id: desk.otherCustomer })).id;
  });
  afterAll(() => desk.service.close());

  const token = (as: Partial<AccessClaims>) =>
    desk.service.tokens.issue({ tid: desk.service.tenantId, ...as });
  async function upload(size: number, id = ticket, as: Partial<AccessClaims> = desk.anna) {
    const form = new FormData();
    form.set('file', new Blob(['x'.repeat(size)]), 'datei.txt');
    const response = await fetch(`${base}/api/v1/tickets/${id}/attachments`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await token(as)}` },
      body: form,
    });
    // biome-ignore lint/suspicious/noExplicitAny: tests read bodies of many shapes.
    return { status: response.status, body: (await response.json()) as any };
  }
  const quota = async (customer = desk.customer) =>
    (await desk.service.call('GET', `${PATH}?customer_id=${customer}`, { as: desk.anna })).body.data;
  const setLimits = async (body: Record<string, number | null>) => {
    const answer = await desk.service.call('PATCH', PATH, { body });
    expect(answer.status, answer.text).toBe(200);
    return answer;
  };
  const remove = (id: string, as: Partial<AccessClaims>, of = ticket) =>
    desk.service.call('DELETE', `/api/v1/tickets/${of}/attachments/${id}`, { as });
  const cleanups = async () =>
    (await desk.service.db.admin`select key from tickets.timers where kind = 'attachment_cleanup'`).length;
  /** What the counters say is what there is. */
  async function countersAreTrue() {
    const [row] = await desk.service.db.admin`
      select coalesce(sum(size), 0)::int as there from tickets.attachments where deleted_at is null`;
    expect((await quota()).used_bytes).toBe(row!.there);
  }

  it('is the platform’s until the desk sets a figure, and staff see what is used', async () => {
    expect(await quota()).toEqual({
      used_bytes: 0,
      limit_bytes: ATTACHMENT_QUOTA_BYTES.tenant,
      customer_limit_bytes: ATTACHMENT_QUOTA_BYTES.customer,
      customer: {
        customer_id: desk.customer,
        used_bytes: 0,
        limit_bytes: ATTACHMENT_QUOTA_BYTES.customer,
      },
      version: 1,
    });
    const { headers } = await setLimits({ limit_bytes: 5_000 });
    expect(headers.etag).toBe('"2"');
    const stale = await desk.service.call('PATCH', PATH, {
      body: { limit_bytes: 1 },
      headers: { 'if-match': '"1"' },
    });
    expect(stale.status).toBe(412);
    await setLimits({ customer_limit_bytes: 3_000 });
    expect(await quota()).toMatchObject({ limit_bytes: 5_000, customer_limit_bytes: 3_000, version: 3 });
    for (const bad of [{ limit_bytes: -1 }, { limit_bytes: 1.5 }, {}]) {
      expect((await desk.service.call('PATCH', PATH, { body: bad })).status).toBe(400);
    }
    expect((await desk.service.call('GET', PATH, { as: desk.boss })).status).toBe(403);
    expect((await desk.service.call('PATCH', PATH, { as: desk.anna, body: { limit_bytes: 1 } })).status).toBe(
      403,
    );
  });

  it('ends at the limit, for this customer alone, and deleting gives it back', async () => {
    const first = await upload(1_000);
    const last = await upload(2_000, ticket, desk.user);
    expect([first.status, last.status]).toEqual([201, 201]);
    expect((await quota()).customer).toMatchObject({ used_bytes: 3_000, limit_bytes: 3_000 });
    for (const as of [desk.anna, desk.user]) {
      const over = await upload(1, ticket, as);
      expect([over.status, over.body.error.code]).toEqual([413, 'QUOTA_EXCEEDED']);
      expect(over.body.error.details).toMatchObject([{ field: 'quota.customer' }]);
    }
    expect((await upload(500, otherTicket)).status).toBe(201);

    // One's own file, or any with the right to.
    expect((await remove(first.body.data.id, desk.user)).status).toBe(403);
    expect((await remove(last.body.data.id, desk.ben)).status).toBe(403);
    expect((await remove(last.body.data.id, desk.stranger)).status).toBe(404);
    expect((await remove(last.body.data.id, desk.user)).status).toBe(204);
    expect((await remove(last.body.data.id, desk.user)).status).toBe(404);
    expect((await desk.history(ticket)).at(-1)).toMatchObject({
      kind: 'changed',
      changes: [{ field: 'file', from: 'datei.txt', to: null }],
    });
    expect((await desk.service.outbox()).at(-1)).toMatchObject({
      type: 'ticket.detached.v1',
      public: true,
      data: { attachment_id: last.body.data.id, file_name: 'datei.txt', ticket: { ticket_id: ticket } },
    });
    const [gone] = await desk.service.db.admin`
      select file_key from tickets.attachments where id = ${last.body.data.id}`;
    expect(await desk.service.running.runDue()).toBe(0);
    desk.service.clock.advance({ days: REMOVED_FILES_KEPT_DAYS, seconds: 1 });
    expect(await desk.service.running.runDue()).toBe(1);
    expect(await desk.service.deps.files.get(desk.service.tenantId, gone!.file_key)).toBeNull();
    expect((await quota()).customer).toMatchObject({ used_bytes: 1_000 });
    expect((await upload(2_000)).status).toBe(201);
    await countersAreTrue();
  });

  it('is the tenant’s too, whose figures a portal user is not told', async () => {
    await setLimits({ customer_limit_bytes: null });
    // 3,500 of 5,000 are used.
    expect((await upload(1_500, otherTicket)).status).toBe(201);
    const portal = await upload(1, ticket, desk.user);
    expect(portal.body.error).toMatchObject({ code: 'QUOTA_EXCEEDED', details: [{ field: 'quota.tenant' }] });
    expect(portal.body.error.message).not.toMatch(/iB|PATCH/);
    expect((await upload(1, otherTicket)).body.error.message).toMatch(
      /all files may take 4\.9 KiB\. .*PATCH \/api\/v1\/attachment-quota/,
    );
    await countersAreTrue();
  });

  it('holds against uploads at the same time', async () => {
    await setLimits({ limit_bytes: 5_000 + 2_500, customer_limit_bytes: null });
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => upload(1_000, i % 2 ? ticket : otherTicket)),
    );
    const statuses = answers.map((answer) => answer.status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(2);
    expect(statuses.filter((status) => status === 413)).toHaveLength(8);
    expect((await quota()).used_bytes).toBe(7_000);
    await countersAreTrue();
    // What was refused is not stored either.
    await until(async () => (await cleanups()) === 0);
  });

  it('counts nothing of an upload that was cut short or refused', async () => {
    await setLimits({ limit_bytes: null });
    const before = await quota();
    const { port } = desk.service.app.server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      `POST /api/v1/tickets/${ticket}/attachments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${await token(desk.anna)}\r\n` +
        'Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n' +
        '--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n' +
        'x'.repeat(200_000),
    );
    await until(async () => (await cleanups()) === 1);
    socket.destroy();
    await until(async () => (await cleanups()) === 0);
    expect(await quota()).toMatchObject({ used_bytes: before.used_bytes, customer: before.customer });
    // Said before the body is read: nothing of it is stored.
    await setLimits({ customer_limit_bytes: before.customer.used_bytes + 100_000 });
    expect((await upload(900_000)).body.error.code).toBe('QUOTA_EXCEEDED');
    await countersAreTrue();
  });

  it('comes back with a ticket that is deleted, and its files go', async () => {
    await setLimits({ limit_bytes: null, customer_limit_bytes: null });
    const own = (await desk.open({})).id;
    const before = await quota();
    const file = await upload(700, own);
    expect((await quota()).used_bytes).toBe(before.used_bytes + 700);
    const [stored] = await desk.service.db.admin`
      select file_key from tickets.attachments where id = ${file.body.data.id}`;
    expect((await desk.service.call('DELETE', `/api/v1/tickets/${own}`)).status).toBe(204);
    expect(await quota()).toMatchObject({ used_bytes: before.used_bytes, customer: before.customer });
    const kept = () => desk.service.deps.files.get(desk.service.tenantId, stored!.file_key);
    await desk.service.running.runDue();
    const content = await kept();
    expect(content).not.toBeNull();
    content!.destroy();
    desk.service.clock.advance({ days: REMOVED_FILES_KEPT_DAYS, seconds: 1 });
    await desk.service.running.runDue();
    expect(await kept()).toBeNull();
  });

  it('another customer’s use is not seen in a portal user’s transaction', async () => {
    const { deps, tenantId } = desk.service;
    const seen = await deps.db.read(
      { tenant_id: tenantId, customer_id: desk.customer, user_id: null },
      ({ sql }) => sql<{ customer_id: string | null }[]>`select customer_id from attachment_usage`,
    );
    expect(new Set(seen.map((row) => row.customer_id))).toEqual(new Set([null, desk.customer]));
  });

  it('asks for a customer by its id', async () => {
    expect((await quota(randomUUID())).customer).toMatchObject({ used_bytes: 0 });
    expect((await desk.service.call('GET', `${PATH}?customer_id=x`)).status).toBe(400);
  });
});
