import { randomBytes, randomUUID } from 'node:crypto';
import { type AddressInfo, connect } from 'node:net';
import { MAX_ATTACHMENT_BYTES } from '@psa/contracts/limits';
import type { AccessClaims } from '@psa/contracts/tokens';
import { until } from '@psa/test-kit/until';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDesk, testDesk } from '../desk.test-helper.ts';

let desk: TestDesk;
let base: string;
let ticket: string;
beforeAll(async () => {
  desk = await testDesk();
  base = await desk.service.app.listen({ host: '127.0.0.1', port: 0 });
  ticket = (await desk.open({}, desk.user)).id;
});
afterAll(() => desk.service.close());

const token = (as: Partial<AccessClaims>) => desk.service.tokens.issue({ tid: desk.service.tenantId, ...as });
/** One pixel. */
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

async function upload(
  content: Uint8Array | string,
  options: {
    as?: Partial<AccessClaims>;
    name?: string;
    fields?: Record<string, string>;
    headers?: Record<string, string>;
    id?: string;
  } = {},
) {
  const form = new FormData();
  for (const [name, value] of Object.entries(options.fields ?? {})) form.set(name, value);
  form.set(
    'file',
    new Blob([content as Uint8Array<ArrayBuffer>], { type: 'image/png' }),
    options.name ?? 'datei.bin',
  );
  const response = await fetch(`${base}/api/v1/tickets/${options.id ?? ticket}/attachments`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await token(options.as ?? desk.anna)}`, ...options.headers },
    body: form,
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests read bodies of many shapes.
  return { status: response.status, body: (await response.json()) as any };
}
const download = async (id: string, as: Partial<AccessClaims> = desk.anna) =>
  fetch(`${base}/api/v1/tickets/${ticket}/attachments/${id}/content`, {
    headers: { authorization: `Bearer ${await token(as)}` },
  });
/** Files in the store and clean-up timers, of all tickets. */
async function leftovers() {
  const { admin } = desk.service.db;
  const tables =
    await admin`select table_name as name from information_schema.tables where table_schema = 'files'`;
  const files: string[] = [];
  for (const { name } of tables) {
    const [row] = await admin`select count(*)::int as n from files.${admin(name)}`;
    files.push(`${name}=${row!.n}`);
  }
  const [timers] =
    await admin`select count(*)::int as n from tickets.timers where kind = 'attachment_cleanup'`;
  const [rows] = await admin`select count(*)::int as n from tickets.attachments`;
  return { files: files.sort().join(' '), timers: timers!.n, rows: rows!.n };
}

describe('attachments', () => {
  it('come back byte by byte under headers that make them harmless', async () => {
    const answer = await upload(png, { name: 'Bildschirm Ümläut (1).png' });
    expect(answer.status).toBe(201);
    expect(answer.body.data).toMatchObject({
      file_name: 'Bildschirm Ümläut (1).png',
      content_type: 'image/png',
      size: png.length,
      visibility: 'public',
      uploaded_by: { id: desk.anna.sub, name: 'Anna Berg' },
    });
    const file = await download(answer.body.data.id, desk.user);
    expect(file.status).toBe(200);
    expect(Buffer.from(await file.arrayBuffer()).equals(png)).toBe(true);
    expect(Object.fromEntries(file.headers)).toMatchObject({
      'content-type': 'image/png',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "sandbox; default-src 'none'",
      'content-disposition': `attachment; filename="Bildschirm _ml_ut (1).png"; filename*=UTF-8''Bildschirm%20%C3%9Cml%C3%A4ut%20%281%29.png`,
    });
    expect((await desk.events(ticket)).at(-1)).toBe('ticket.attached.v1');
    expect((await desk.history(ticket)).at(-1)).toMatchObject({ kind: 'attached', public: true });
    expect((await leftovers()).timers).toBe(0);
  });

  it('are shown in place where they are pictures or PDFs, and never as a page', async () => {
    const pdf = Buffer.from('%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF');
    const shown = async (
      content: Uint8Array | string,
      name: string,
      headers: Record<string, string> = {},
    ) => {
      const { body } = await upload(content, { name });
      const response = await fetch(
        `${base}/api/v1/tickets/${ticket}/attachments/${body.data.id}/content?in_place=true`,
        { headers: { authorization: `Bearer ${await token(desk.user)}`, ...headers } },
      );
      return { status: response.status, ...Object.fromEntries(response.headers) } as Record<string, unknown>;
    };
    expect(await shown(png, 'a.html')).toMatchObject({
      'content-type': 'image/png',
      'content-disposition': `inline; filename="a.html"; filename*=UTF-8''a.html`,
      'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'self'",
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'SAMEORIGIN',
    });
    // The viewer of a browser does not start in a sandbox; it is none of the page's scripts.
    expect(await shown(pdf, 'a.pdf')).toMatchObject({
      'content-type': 'application/pdf',
      'content-disposition': expect.stringMatching(/^inline/),
      'content-security-policy': expect.not.stringContaining('sandbox'),
      'x-content-type-options': 'nosniff',
    });
    for (const page of [
      '<html><script>alert(1)</script>',
      '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
      '%PDX <script>alert(1)</script>',
    ]) {
      const answer = await shown(page, 'bild.png');
      expect(answer['content-disposition']).toMatch(/^attachment/);
      expect(answer['content-security-policy']).toMatch(/^sandbox/);
      expect(answer['x-frame-options']).toBe('DENY');
    }
    const { etag } = await shown(png, 'b.png');
    expect((await shown(png, 'c.png', { 'if-none-match': String(etag) })).status).toBe(304);
  });

  it('are what they contain, not what they claim', async () => {
    const typeOf = async (content: Uint8Array | string, name = 'bild.png') =>
      (await upload(content, { name })).body.data?.content_type;
    expect(await typeOf('Gerät startet nicht\n')).toBe('text/plain; charset=utf-8');
    expect(await typeOf('<html><script>alert(1)</script>')).toBe('application/octet-stream');
    expect(
      await typeOf('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
    ).toBe('application/octet-stream');
    expect(await typeOf('\n  <svg onload=alert(1)>')).toBe('application/octet-stream');
    expect(await typeOf(Buffer.from([0, 1, 2, 3, 255, 254]))).toBe('application/octet-stream');
  });

  it('are taken for programs by more than two bytes or an ending', async () => {
    for (const [content, name] of [
      ['MZ;Name\r\n1;Maier', 'MZ-Liste.csv'],
      ['Kunde;Ort', 'www.kunde-beispiel.com'],
      ['#! Wichtig: morgen', 'notiz.txt'],
    ] as const) {
      expect([name, (await upload(content, { name })).status]).toEqual([name, 201]);
    }
  });

  it('refuse programs, empty files and what is no form, and leave nothing behind', async () => {
    const before = await leftovers();
    const elf = Buffer.concat([Buffer.from('7f454c4602010100', 'hex'), randomBytes(100)]);
    for (const [content, name, status] of [
      [Buffer.concat([Buffer.from('MZ'), Buffer.from('900003000000', 'hex')]), 'rechnung.pdf', 415],
      [Buffer.from('b8004ccd21', 'hex'), 'command.com', 415],
      [elf, 'x', 415],
      ['echo hallo', 'rechnung.pdf.bat', 415],
      ['echo hallo', 'a.exe. ', 415],
      ['#!/bin/sh\nrm -rf /', 'x.txt', 415],
      ['', 'leer.txt', 400],
    ] as const) {
      const answer = await upload(content, { name });
      expect([name, answer.status]).toEqual([name, status]);
      expect(answer.body.error.details[0].field).toBe('file');
    }
    const json = await desk.service.call('POST', `/api/v1/tickets/${ticket}/attachments`, { body: {} });
    expect(json.status).toBe(415);
    const form = new FormData();
    form.set('visibility', 'public');
    const none = await fetch(`${base}/api/v1/tickets/${ticket}/attachments`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await token(desk.anna)}` },
      body: form,
    });
    expect(none.status).toBe(400);
    expect(await leftovers()).toEqual(before);
  });

  it.each([
    [
      'beside a plain one that is encoded',
      `name="file"; filename="=?utf-8?B?w5xidW5nLnR4dA==?="; filename*=utf-8''%C3%9Cbung.txt`,
      'Übung.txt',
    ],
    ['alone', `name="file"; filename*=UTF-8''%C3%84rger.txt`, 'Ärger.txt'],
    ['as .NET sends it', `name=file; filename="=?utf-8?B?x?="; filename*=utf-8''%C3%84rger.txt`, 'Ärger.txt'],
    [
      'beside a plain one, which RFC 7578 prefers',
      `name="file"; filename="a.txt"; filename*=UTF-8''b`,
      'a.txt',
    ],
  ])('take an extended name %s', async (_, disposition, name) => {
    const response = await fetch(`${base}/api/v1/tickets/${ticket}/attachments`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await token(desk.anna)}`,
        'content-type': 'multipart/form-data; boundary=b',
      },
      body: `--b\r\nContent-Disposition: form-data; ${disposition}\r\n\r\nText\r\n--b--\r\n`,
    });
    expect(response.status).toBe(201);
    // biome-ignore lint/suspicious/noExplicitAny: a body of its own shape.
    expect(((await response.json()) as any).data.file_name).toBe(name);
  });

  it('refuse a file that is too large, and remove what was stored of it', async () => {
    const before = await leftovers();
    const answer = await upload(Buffer.alloc(MAX_ATTACHMENT_BYTES + 1, 'a'));
    expect(answer.status).toBe(413);
    expect(answer.body.error.code).toBe('PAYLOAD_TOO_LARGE');
    expect(await leftovers()).toEqual(before);
    const most = await upload(Buffer.alloc(MAX_ATTACHMENT_BYTES, 'a'));
    expect(most.body.data.size).toBe(MAX_ATTACHMENT_BYTES);
  });

  it('leave nothing behind when the sender goes away', async () => {
    const before = await leftovers();
    const auth = await token(desk.anna);
    const { port } = desk.service.app.server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      `POST /api/v1/tickets/${ticket}/attachments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${auth}\r\n` +
        'Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n' +
        '--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n' +
        'x'.repeat(200_000),
    );
    // The timer tells that the upload is under way.
    await until(async () => (await leftovers()).timers === before.timers + 1);
    socket.destroy();
    await until(async () => (await leftovers()).timers === before.timers);
    expect(await leftovers()).toEqual(before);
  });

  it('remove a file whose upload a crash cut short, and no other', async () => {
    const before = await leftovers();
    const key = randomUUID();
    const { deps, tenantId, db } = desk.service;
    const { Readable } = await import('node:stream');
    await deps.files.put(tenantId, key, Readable.from([Buffer.from('halb')]), 100);
    const [kept] = await db.admin`select file_key from tickets.attachments limit 1`;
    for (const one of [key, kept!.file_key]) {
      await db.admin`insert into tickets.timers (tenant_id, kind, key, due_at)
        values (${tenantId}, 'attachment_cleanup', ${one}, ${desk.service.clock.now()})`;
    }
    expect(await desk.service.running.runDue()).toBe(2);
    expect(await deps.files.get(tenantId, key)).toBeNull();
    expect(await leftovers()).toEqual(before);
  });

  it('are one when the same Idempotency-Key comes twice', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const [first, second] = [await upload('eins', { headers }), await upload('eins', { headers })];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body.data.id).toBe(first.body.data.id);
    const another = await upload('zwei', { headers });
    expect([another.status, another.body.error.code]).toEqual([409, 'IDEMPOTENCY_CONFLICT']);
    expect((await upload('eins', { headers, name: 'anders.bin' })).status).toBe(409);
    const list = await desk.service.call('GET', `/api/v1/tickets/${ticket}/attachments?limit=100`);
    expect(list.body.data.filter((one: { id: string }) => one.id === first.body.data.id)).toHaveLength(1);
    // The second file goes after its answer has left.
    await until(async () => (await leftovers()).timers === 0);
  });

  it('keep internal files from portal users, and strangers from all', async () => {
    const internal = await upload('geheim', { fields: { visibility: 'internal' } });
    expect(internal.status).toBe(201);
    const { id } = internal.body.data;
    expect((await download(id, desk.user)).status).toBe(404);
    expect((await download(id, desk.anna)).status).toBe(200);
    const list = await desk.service.call('GET', `/api/v1/tickets/${ticket}/attachments?limit=100`, {
      as: desk.user,
    });
    expect(list.body.data.map((one: { id: string }) => one.id)).not.toContain(id);
    expect((await upload('x', { as: desk.user, fields: { visibility: 'internal' } })).status).toBe(403);
    expect((await upload('x', { as: desk.stranger })).status).toBe(404);
    expect((await upload('x', { as: desk.user })).status).toBe(201);
    const note = await desk.service.call('POST', `/api/v1/tickets/${ticket}/comments`, {
      as: desk.anna,
      body: { body: 'intern', visibility: 'internal' },
    });
    const onNote = await upload('x', { fields: { comment_id: note.body.data.id } });
    expect(onNote.body.error.details[0].field).toBe('visibility');
    expect((await upload('x', { fields: { comment_id: randomUUID() } })).body.error.details[0].field).toBe(
      'comment_id',
    );
    expect((await upload('x', { fields: { colour: 'red' } })).body.error.details[0].field).toBe('colour');
  });
});
