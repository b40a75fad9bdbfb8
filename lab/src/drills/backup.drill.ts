import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openCluster } from './cluster.test-helper.ts';
import { keep, type Rig } from './rig.test-helper.ts';

interface Part {
  readonly item: string;
  readonly name: string;
  readonly outcome: string;
  readonly id: string | null;
  readonly bytes: number;
  readonly duration_ms: number;
}
interface RunData {
  readonly data: {
    readonly run: string;
    readonly complete: boolean;
    readonly duration_ms: number;
    readonly parts: readonly Part[];
  };
}

/** Tickets that were opened while the load ran, each of them acknowledged. */
async function tickets(rig: Rig, seconds: number): Promise<readonly string[]> {
  const load = rig.load({ readers: 5, writers: 5, seconds });
  return (await load.done).acknowledged;
}

/** Backs up, destroys, restores; on real containers and real servers. */
export function backup(rig: () => Rig): void {
  let whole: RunData['data'];
  let before: readonly string[];

  it('backup: everything is taken while people work, and reads back', async () => {
    before = await tickets(rig(), 8);
    expect(before.length).toBeGreaterThan(20);
    const load = rig().load({ readers: 5, writers: 5, seconds: 1_800 });
    whole = (await rig().json<RunData>(0, 'backup', 'run', '--tier', 'father')).data;
    const { writes } = await load.stop();
    expect(whole.complete, JSON.stringify(whole.parts)).toBe(true);
    keep('backup', { duration_ms: whole.duration_ms, parts: whole.parts, writes });
    const { data } = await rig().json<{ data: { ok: boolean; why: string | null }[] }>(
      0,
      'backup',
      'verify',
      whole.run,
    );
    expect(data.filter(({ ok }) => !ok)).toEqual([]);
    expect(data).toHaveLength(whole.parts.filter(({ outcome }) => outcome === 'good').length);
    await rig().healthy(60_000);
  });

  it('backup: a destroyed member of Redis and a destroyed service come back from their archives', async () => {
    const cluster = await openCluster(rig());
    try {
      for (const name of ['psa-redis-3', 'psa-events-2']) {
        const container = rig().containers.find((one) => one.name === name)!;
        await cluster.remove(container);
        const { data } = await rig().json<{
          data: { id: number; safety: string | null; duration_ms: number };
        }>(0, ...['restore', 'container', name, '--from', whole.run, '--yes']);
        expect(data).toMatchObject({ id: container.id, safety: null });
        keep(`restore-${name}`, data);
      }
      // HA forgot it with its container.
      await rig().json(0, 'apply', '--yes');
      await rig().healthy(180_000);
      const { steps } = await rig().json<{ steps: object[] }>(0, 'plan');
      expect(steps).toEqual([]);
    } finally {
      await cluster.close();
    }
  });

  it('backup: a running container is overwritten only after it was backed up as it is', async () => {
    await rig().inside('psa-redis-3', 'echo here >/root/written-later');
    const { data } = await rig().json<{ data: { safety: string } }>(
      0,
      ...['restore', 'container', 'psa-redis-3', '--from', whole.run, '--yes'],
    );
    await rig().healthy(120_000);
    expect((await rig().inside('psa-redis-3', 'ls /root')).trim()).toBe('');
    await rig().json(0, 'restore', 'container', 'psa-redis-3', '--from', data.safety, '--yes');
    expect(await rig().inside('psa-redis-3', 'cat /root/written-later')).toBe('here\n');
    await rig().healthy(120_000);
  });

  it('backup: what is restored beside another is cut off from it', async () => {
    const cluster = await openCluster(rig());
    const beside = {
      ...rig().containers.find((one) => one.name === 'psa-postgres-1')!,
      id: 940,
      ha: 'none' as const,
    };
    try {
      await rig().json(
        0,
        ...['restore', 'container', 'psa-postgres-1', '--from', whole.run, '--as', '940'],
        ...['--address', '10.0.30.240', '--yes'],
      );
      const config = await cluster.client.request<{ net0: string; description: string }>(
        'GET',
        `/nodes/${(await cluster.guests()).find(({ vmid }) => vmid === 940)!.node}/lxc/940/config`,
      );
      expect(config.net0).toMatch(/ip=10\.0\.30\.240\/24.*link_down=1|link_down=1.*ip=10\.0\.30\.240\/24/);
      expect(config.description).not.toContain('psactl: appliance=');
      // The live member does not see it.
      const seen = await rig().inside(
        'psa-postgres-2',
        'ping -c 1 -W 2 10.0.30.240 >/dev/null && echo yes || echo no',
      );
      expect(seen).toBe('no\n');
      await rig().healthy(60_000);
    } finally {
      await cluster.remove(beside).catch(() => {});
      await cluster.close();
    }
  });

  it('backup: a ticket of which nothing is left comes back alone, out of a dump and as of a moment', async () => {
    const ours = await tickets(rig(), 4);
    const id = ours[0]!;
    await attach(rig(), id);
    const { run } = (
      await rig().json<RunData>(0, ...['backup', 'run', '--tier', 'father', '--only', 'database,pitr'])
    ).data;
    const state = () => rig().sql(stateOf(id));
    const there = await state();
    expect(there).toContain('messwerte.bin');
    const lose = () => rig().sql(LOSE.map((line) => line.replaceAll('$1', id)).join(' '));
    for (const how of ['dump', 'moment'] as const) {
      const moment = new Date().toISOString();
      await sleep(2_000);
      await lose();
      expect(await rig().missing([id])).toEqual([id]);
      const from = how === 'dump' ? ['--from', run] : ['--to', moment];
      const { data } = await rig().json<{ data: { stands: string; settled: boolean } }>(
        0,
        ...['restore', 'ticket', id, ...from, '--yes'],
      );
      expect(data).toMatchObject({ stands: 'gone', settled: true });
      keep(`restore-ticket-${how}`, data);
      expect(await state()).toBe(there);
      expect(await rig().missing([id])).toEqual([]);
    }
    // Everybody else's stands as it stood.
    expect(await rig().missing(ours)).toEqual([]);
    await rig().sql(`delete from tickets.comments where ticket_id = '${id}'`);
    const { data } = await rig().json<{ data: { told: number } }>(
      0,
      ...['restore', 'table', 'tickets.comments', '--from', run, '--yes'],
    );
    expect(data.told).toBe(1);
    expect(await state()).toBe(there);
  });

  it('backup: a dropped database comes back with every ticket of its dump, and what replaces one keeps it', async () => {
    const after = await tickets(rig(), 5);
    await dropDatabase(rig());
    const first = await rig().json<{ data: { replaces: object | null; duration_ms: number } }>(
      0,
      ...['restore', 'database', whole.run, '--yes'],
    );
    expect(first.data.replaces).toBeNull();
    keep('restore-database', first.data);
    await rig().healthy(180_000);
    expect(await rig().missing(before)).toEqual([]);
    // Written after the dump: what it cannot have.
    expect((await rig().missing(after)).toSorted()).toEqual(after.toSorted());
    const later = await tickets(rig(), 5);
    const second = await rig().json<{ data: { replaces: { kept_as: string } } }>(
      0,
      ...['restore', 'database', whole.run, '--yes'],
    );
    await rig().healthy(120_000);
    expect((await rig().missing(later)).toSorted()).toEqual(later.toSorted());
    const { kept_as } = second.data.replaces;
    const ids = later.map((id) => `'${id}'`).join();
    const kept = await rig().sql(`select count(*) from tickets.tickets where id in (${ids})`, kept_as);
    expect(Number(kept)).toBe(later.length);
    await rig().sql(`drop database "${kept_as}"`, 'postgres');
  });

  it('backup: a restore that is killed at any moment leaves the database as it was', async () => {
    const written = await tickets(rig(), 5);
    for (const after of [1_500, 3_000, 4_500, 6_000, 7_500]) {
      const running = rig().start('restore', 'database', whole.run, '--as', `killed_${after}`, '--yes');
      await Promise.race([running.done, sleep(after)]);
      running.kill();
      await running.done;
      const place = rig().start('restore', 'database', whole.run, '--yes');
      // Before it takes its place: what is loaded beside is nobody's.
      await Promise.race([place.done, sleep(after / 2)]);
      place.kill();
      await place.done;
      expect(await rig().missing(written)).toEqual([]);
    }
    const names = await rig().sql('select datname from pg_database', 'postgres');
    for (const name of names.split('\n').filter((one) => /^killed_|_restoring$/.test(one)))
      await rig().sql(`drop database "${name}" with (force)`, 'postgres');
    await rig().healthy(60_000);
  });

  it('backup: Redis goes back to its snapshot on all members', async () => {
    const cli = (member: string, command: string) =>
      rig().inside(
        member,
        `REDISCLI_AUTH=$(sed -n 's/^requirepass //p' /etc/redis/psa-redis.conf); export REDISCLI_AUTH; redis-cli --raw ${command}`,
      );
    const members = rig().containers.filter((one) => one.group === 'redis');
    const roles = await Promise.all(members.map(({ name }) => cli(name, 'role')));
    const master = members[roles.findIndex((role) => role.startsWith('master'))]!.name;
    await cli(master, 'set drill:kept "a b" ex 5000');
    const run = (await rig().json<RunData>(0, 'backup', 'run', '--only', 'redis')).data;
    await cli(master, 'set drill:later 1');
    await cli(master, 'del drill:kept');
    await rig().json(0, 'restore', 'redis', run.run, '--yes');
    await rig().healthy(60_000);
    for (const { name } of members) {
      expect(await cli(name, 'get drill:kept')).toBe('a b\n');
      expect(Number(await cli(name, 'ttl drill:kept'))).toBeGreaterThan(4_000);
      expect(await cli(name, 'exists drill:later')).toBe('0\n');
    }
  });
}

/** A comment, and a file as the store keeps it, of the ticket. */
const attach = (rig: Rig, id: string) =>
  rig.sql(`
    insert into tickets.comments (tenant_id, id, ticket_id, customer_id, visibility, body, author_name, author_kind, created_at, updated_at)
      select tenant_id, gen_random_uuid(), id, customer_id, 'internal', E'Zeile\\tmit\\nUmbruch', 'Drill', 'staff', now(), now()
      from tickets.tickets where id = '${id}';
    with made as (select tenant_id, id, customer_id, gen_random_uuid() as key, gen_random_uuid() as upload, repeat('psa', 90000)::bytea as data
        from tickets.tickets where id = '${id}'),
      stored as (insert into files.files (tenant_id, key, upload, size, sha256)
        select tenant_id::text, key::text, upload, length(data), encode(sha256(data), 'hex') from made),
      pieces as (insert into files.files_chunks (tenant_id, upload, number, data)
        select tenant_id::text, upload, n, substr(data, 1 + n * 262144, 262144) from made, generate_series(0, 1) n)
    insert into tickets.attachments (tenant_id, id, ticket_id, customer_id, visibility, file_name, content_type, size, sha256,
        file_key, uploaded_by_name, created_at, updated_at)
      select tenant_id, gen_random_uuid(), id, customer_id, 'public', 'messwerte.bin', 'application/octet-stream', length(data),
        encode(sha256(data), 'hex'), key, 'Drill', now(), now() from made`);

/** All that a ticket has but its history, which the restore is written into. */
const stateOf = (id: string) => `
  select string_agg(row, E'\\n' order by row) from (
    select to_jsonb(t)::text as row from (select id, ticket_number, title, description, status, customer_id, deleted_at from tickets.tickets) t where id = '${id}'
    union all select to_jsonb(c)::text from tickets.comments c where ticket_id = '${id}'
    union all select to_jsonb(a)::text from tickets.attachments a where ticket_id = '${id}'
    union all select f.key || md5(string_agg(c.data, '' order by c.number)) from files.files f
      join files.files_chunks c using (tenant_id, upload) join tickets.attachments a on f.key = a.file_key::text
      where a.ticket_id = '${id}' group by f.key) all_of_it`;

/** Takes all of a ticket away, as a mistake by hand would. */
const LOSE = [
  "delete from files.files_chunks c using files.files f, tickets.attachments a where c.upload = f.upload and f.key = a.file_key::text and a.ticket_id = '$1';",
  "delete from files.files f using tickets.attachments a where f.key = a.file_key::text and a.ticket_id = '$1';",
  ...['attachments', 'comments', 'time_entries', 'history', 'watchers', 'ticket_tags'].map(
    (name) => `delete from tickets.${name} where ticket_id = '$1';`,
  ),
  "delete from tickets.tickets where id = '$1';",
];

/** What somebody does by mistake, with everybody still connected. */
const dropDatabase = (rig: Rig) =>
  rig.sql(`drop database ${rig.inventory.data.postgres.database} with (force)`, 'postgres');
