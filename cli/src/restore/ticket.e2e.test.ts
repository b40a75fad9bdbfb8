import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '@psa/test-kit/until';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningPlatform, startPlatform } from '../platform.test-helper.ts';
import { runCli } from '../run-cli.test-helper.ts';

let platform: RunningPlatform;
let file: string;
let ticket: { id: string; ticket_number: number };
let attachment: { id: string };
const bytes = new Uint8Array(randomBytes(400_000));

const env = () => ({ ...platform.env, PSA_DATA_DIR: join(platform.env.HOME!, 'data') });
const psactl = async (code: number, ...argv: string[]) => {
  const ran = await runCli([...argv, '--json'], env(), { cwd: platform.env.HOME! });
  expect(ran.code, ran.stdout + ran.stderr).toBe(code);
  return JSON.parse(ran.stdout);
};
const restore = (code: number, ...more: string[]) =>
  psactl(code, 'restore', 'ticket', String(ticket.ticket_number), '--from', file, ...more);
const found = async (word: string): Promise<string[]> =>
  (await platform.api('GET', `/api/v1/search?q=${word}`)).data.map(({ title }: { title: string }) => title);
const thread = async (): Promise<string[]> =>
  (await platform.api('GET', `/api/v1/tickets/${ticket.id}/comments?limit=100`)).data.map(
    ({ body }: { body: string }) => body,
  );
const counts = (of: { tables: { table: string; put_back: number; revived: number }[] }, table: string) =>
  of.tables.find((one) => one.table === table);

beforeAll(async () => {
  platform = await startPlatform();
  const { data: customer } = await platform.api('POST', '/api/v1/customers', { name: 'Bäckerei Korn' });
  const { data } = await platform.api('POST', '/api/v1/tickets', {
    ...{
      title: 'Knetmaschine steht',
      description: 'Seit heute früh',
      customer_id: customer.id,
      tags: ['teig'],
    },
  });
  ticket = data;
  const path = `/api/v1/tickets/${ticket.id}`;
  await platform.api('POST', `${path}/comments`, { body: 'Sauerteigführung läuft', visibility: 'public' });
  await platform.api('POST', `${path}/comments`, { body: 'Gärkorbtausch nötig', visibility: 'internal' });
  const form = new FormData();
  form.append('file', new Blob([bytes], { type: 'application/octet-stream' }), 'messwerte.bin');
  const { access_token } = (
    await platform.api('POST', '/api/v1/auth/login', {
      email: platform.env.PSA_EMAIL,
      password: platform.env.PSA_PASSWORD,
    })
  ).data;
  const sent = await fetch(`${platform.url}${path}/attachments`, {
    ...{ method: 'POST', body: form, headers: { authorization: `Bearer ${access_token}` } },
  });
  expect(sent.status).toBe(201);
  attachment = ((await sent.json()) as { data: { id: string } }).data;
  const out = join(platform.env.HOME!, 'backups');
  file = (await psactl(0, 'backup', 'run', '--target', 'embedded', '--out', out)).data.file;
}, 240_000);
afterAll(() => platform?.stop(), 60_000);

describe('psactl restore ticket, on the platform in one process while it runs', { timeout: 180_000 }, () => {
  it('brings a deleted one back with comments, tags and files, found and told as before', async () => {
    await platform.api('DELETE', `/api/v1/tickets/${ticket.id}`);
    await until(async () => (await found('Knetmaschine')).length === 0);
    const plan = await restore(0, '--dry-run');
    expect(plan).toMatchObject({ stands: 'deleted', idle: false, ticket: { title: 'Knetmaschine steht' } });
    await expect(platform.api('GET', `/api/v1/tickets/${ticket.id}`)).rejects.toThrow('404');
    const { data } = await restore(0, '--yes');
    expect(data).toMatchObject({ settled: true, stands: 'deleted' });
    const { data: back } = await platform.api('GET', `/api/v1/tickets/${ticket.id}`);
    expect(back).toMatchObject({ title: 'Knetmaschine steht', tags: ['teig'], comment_count: 2 });
    expect(await thread()).toHaveLength(2);
    for (const word of ['Knetmaschine', 'Sauerteigführung', 'Gärkorbtausch', 'messwerte'])
      await until(async () => (await found(word)).includes('Knetmaschine steht'));
    const history =
      await platform.sql`select kind, reason from tickets.history where ticket_id = ${ticket.id} and kind = 'restored'`;
    expect(history).toEqual([{ kind: 'restored', reason: data.backup }]);
    const told =
      await platform.sql`select count(*)::int as n from events.log where type = 'ticket.restored.v1'`;
    // What customers may read, and the note that they may not.
    expect(told[0]!.n).toBe(2);
    expect(await restore(0, '--yes')).toMatchObject({ data: { idle: true } });
  });

  it('brings one back of which nothing is left, its file from the disk with it', async () => {
    const { sql } = platform;
    const [stored] =
      await sql`select file_key, tenant_id from tickets.attachments where id = ${attachment.id}`;
    for (const name of ['attachments', 'comments', 'history', 'ticket_tags', 'watchers', 'time_entries'])
      await sql.unsafe(`delete from tickets.${name} where ticket_id = '${ticket.id}'`);
    await sql`delete from tickets.tickets where id = ${ticket.id}`;
    const { DiskFileStore } = await import('@psa/infra/files/disk-file-store');
    const store = new DiskFileStore({ folder: join(env().PSA_DATA_DIR, 'files') });
    await store.delete(stored!.tenant_id, stored!.file_key);
    const { data } = await restore(0, '--yes');
    expect(data).toMatchObject({ settled: true, stands: 'gone', files: 1 });
    expect(counts(data, 'tickets.comments')).toMatchObject({ put_back: 2 });
    expect(await thread()).toHaveLength(2);
    const content = await store.get(stored!.tenant_id, stored!.file_key);
    const hash = createHash('sha256');
    for await (const chunk of content!) hash.update(chunk as Buffer);
    expect(hash.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'));
    await until(async () => (await found('Sauerteigführung')).length === 1);
  });

  it('puts lost comments back, and nothing newer is overwritten unasked', async () => {
    const { sql } = platform;
    const path = `/api/v1/tickets/${ticket.id}`;
    await platform.api('POST', `${path}/comments`, { body: 'Später geschrieben', visibility: 'public' });
    await sql`delete from tickets.comments where body = 'Sauerteigführung läuft'`;
    await sql`update tickets.tickets set title = 'Knetmaschine läuft' where id = ${ticket.id}`;
    const { data } = await restore(0, '--yes');
    expect(counts(data, 'tickets.comments')).toMatchObject({ put_back: 1, only_here: 1 });
    expect((await thread()).toSorted()).toEqual([
      'Gärkorbtausch nötig',
      'Sauerteigführung läuft',
      'Später geschrieben',
    ]);
    expect((await platform.api('GET', path)).data).toMatchObject({
      title: 'Knetmaschine läuft',
      comment_count: 3,
    });
    await restore(0, '--overwrite', '--yes');
    expect((await platform.api('GET', path)).data).toMatchObject({ title: 'Knetmaschine steht' });
    await until(async () => (await found('Knetmaschine')).includes('Knetmaschine steht'));
  });

  it('leaves nothing behind, and refuses by name what cannot be', async () => {
    expect(await restore(0, '--dry-run')).toMatchObject({ idle: true });
    expect((await readdir(platform.env.HOME!)).filter((name) => name.startsWith('psa-rows'))).toEqual([]);
    const refused = async (code: number, ...argv: string[]) =>
      (await psactl(code, 'restore', 'ticket', ...argv, '--from', file, '--yes')).error.message as string;
    expect(await refused(10, '999999')).toContain('Unable to find the ticket 999999');
    expect(await refused(2, 'zwölf')).toContain('Unable to understand the ticket "zwölf"');
    expect(await refused(2, '1', '--tenant', 'x')).toContain('--tenant "x"');
    const both = await psactl(2, 'restore', 'ticket', '1', '--from', file, '--to', 'now', '--yes');
    expect(both.error.message).toContain('at once');
  });
});

describe('psactl restore file', { timeout: 180_000 }, () => {
  it('brings a file of a ticket beside, by its id or by its name', async () => {
    const out = join(platform.env.HOME!, 'messwerte.bin');
    const argv = [
      'restore',
      'file',
      'messwerte.bin',
      '--ticket',
      String(ticket.ticket_number),
      '--from',
      file,
    ];
    expect(await psactl(0, ...argv, '--yes')).toMatchObject({ data: { bytes: bytes.length } });
    expect(new Uint8Array(await readFile(out))).toEqual(bytes);
    expect((await psactl(1, ...argv, '--yes')).error.message).toContain('there is something');
    const other = join(platform.env.HOME!, 'other');
    await psactl(0, 'restore', 'file', attachment.id, '--from', file, '--out', other, '--yes');
    expect(new Uint8Array(await readFile(other))).toEqual(bytes);
    const none = await psactl(10, 'restore', 'file', 'none.pdf', ...argv.slice(3), '--yes');
    expect(none.error.message).toContain('Unable to find the file "none.pdf"');
  });
});

describe('psactl restore table', { timeout: 180_000 }, () => {
  const table = (code: number, ...argv: string[]) =>
    psactl(code, 'restore', 'table', ...argv, '--from', file);

  it('puts missing rows back, of whichever tenant, and has their tickets put right', async () => {
    const { sql } = platform;
    await sql`delete from tickets.comments where body like 'S%'`;
    const { data } = await table(0, 'tickets.comments', '--yes');
    expect(counts(data, 'tickets.comments')).toMatchObject({ put_back: 1 });
    expect(data.told).toBe(1);
    await until(
      async () => (await platform.api('GET', `/api/v1/tickets/${ticket.id}`)).data.comment_count === 2,
    );
    expect(await table(0, 'tickets.comments', '--yes')).toMatchObject({ data: { idle: true } });
  });

  it('leaves out rows that cannot be without what is gone, and says how many', async () => {
    const { sql } = platform;
    for (const name of ['attachments', 'comments', 'history', 'ticket_tags'])
      await sql.unsafe(`delete from tickets.${name} where ticket_id = '${ticket.id}'`);
    await sql`delete from tickets.tickets where id = ${ticket.id}`;
    const { data } = await table(0, 'tickets.comments', '--yes');
    expect(data).toMatchObject({ idle: true, lost: [{ parent: 'tickets.tickets', rows: 2, done: 'left' }] });
    await restore(0, '--yes');
  });

  it('puts it beside, where no service reads it', async () => {
    expect(await table(0, 'tickets.comments', '--as', 'comments_then', '--yes')).toMatchObject({
      data: { rows: 2 },
    });
    const [row] = await platform.sql`
      select count(*)::int as rows, bool_or(has_table_privilege('psa_tickets', 'tickets.comments_then', 'select')) as seen
      from tickets.comments_then`;
    expect(row).toEqual({ rows: 2, seen: false });
    const again = await table(1, 'tickets.comments', '--as', 'comments_then', '--yes');
    expect(again.error.message).toContain('there is one of that name');
    await platform.sql`drop table tickets.comments_then`;
  });

  it('refuses what is no table, stands in parts, is under way, or has no key', async () => {
    const said = async (name: string) => (await table(1, name, '--yes')).error.message as string;
    expect(await said('tickets.nothing')).toContain('none of that name');
    expect(await said("tickets'; drop")).toContain('no name of one');
    expect(await said('events.log')).toContain('it stands in parts');
    expect(await said('tickets.outbox')).toContain('under way');
    expect(await said('tickets.attachment_usage')).toContain('no primary key');
  });
});
