import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { expect, it, vi } from 'vitest';
import { openCluster } from './cluster.test-helper.ts';
import { keep, MEASURED, PASSWORD, type Rig } from './rig.test-helper.ts';

interface Drill {
  readonly id: string;
  readonly results: readonly {
    readonly id: string;
    readonly item: string;
    readonly name: string;
    readonly outcome: string;
    readonly why: string | null;
    readonly compared: readonly {
      readonly what: string;
      readonly found: string | number;
      readonly same: boolean;
    }[];
  }[];
}
interface Listed {
  readonly data: readonly {
    readonly id: string;
    readonly file: string;
    readonly volume: string | null;
    readonly proof: object | null;
    readonly failure: object | null;
  }[];
}

const BUT_CONTAINERS = ['database', 'pitr', 'secrets', 'configs', 'redis', 'rabbitmq', 'releases'];

/** Restores in isolation what was backed up while people worked; and finds what was damaged on purpose. */
export function recoveryDrill(rig: () => Rig): void {
  const list = async () => (await rig().json<Listed>(0, 'backup', 'list')).data;

  /** The report as text for programs and as a page for people, beside what other drills measured. */
  async function report(name: string, code: number): Promise<void> {
    await mkdir(MEASURED, { recursive: true });
    const { data } = await rig().json<{ data: object }>(
      code,
      'drill',
      'report',
      '--html',
      join(MEASURED, `${name}.html`),
    );
    keep(name, data);
  }

  it('drill: everything that was backed up under load restores beside it, row by row, and nothing is left', async () => {
    const load = rig().load({ readers: 5, writers: 5, seconds: 1_800 });
    // The archives of containers take minutes: those that another drill took under load are as good.
    const archived = new Set((await list()).map(({ id }) => /^container-\d+/.exec(id)?.[0]));
    const all = rig().containers.every(({ id }) => archived.has(`container-${id}`));
    const backup = await rig().json<{ data: { run: string; complete: boolean } }>(
      0,
      ...['backup', 'run', '--tier', 'father', ...(all ? ['--only', BUT_CONTAINERS.join(',')] : [])],
    );
    expect(backup.data.complete).toBe(true);
    // People go on working while it drills.
    vi.stubEnv('PSA_EMAIL', 'technician@demo.example');
    vi.stubEnv('PSA_PASSWORD', PASSWORD);
    const { data } = await rig()
      .json<{ data: Drill }>(0, 'drill', 'run', '--yes')
      .finally(() => vi.unstubAllEnvs());
    const { reads, writes, acknowledged } = await load.stop();
    keep('recovery-drill-load', { reads, writes, acknowledged: acknowledged.length });
    expect(acknowledged.length).toBeGreaterThan(20);
    const items = new Set(data.results.map(({ item }) => item));
    expect(items).toEqual(new Set([...BUT_CONTAINERS, 'containers']));
    expect(data.results.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
    const { compared } = data.results.find(({ item }) => item === 'database')!;
    const tickets = compared.find(({ what }) => what === 'rows of psa_platform tickets.tickets');
    expect(Number(tickets?.found)).toBeGreaterThan(100);
    expect(compared.length).toBeGreaterThan(50);
    // Somebody real has signed in by the portal in front of the restored database, and seen its tickets.
    const seen = compared.find(({ what }) => what === 'tickets in that list');
    expect(Number(seen?.found)).toBeGreaterThan(100);
    await report('recovery-drill-passed', 0);
    await leftNothing(rig());
    const shown = await list();
    for (const { id } of data.results) expect(shown.find((one) => one.id === id)?.proof).not.toBeNull();
    await rig().healthy(180_000);
  });

  it('drill: what was damaged on purpose fails, each for its own reason, and is no longer proven', async () => {
    const all = await list();
    // The newest of each stands first.
    const newest = (series: string) => all.find(({ id }) => id.startsWith(`${series}-`))!;
    const [database, secrets] = [newest('database'), newest('secrets')];
    const archive = newest('container-320');
    const back = [
      await withoutTicket(database.file),
      await turnBit(secrets.file),
      await turnBit(await archiveOf(rig(), archive.volume!)),
    ];
    const named = [database.id, archive.id, secrets.id, newest('configs').id].join(',');
    try {
      const { data } = await rig().json<{ data: Drill }>(1, ...['drill', 'run', '--from', named, '--yes']);
      const failed = data.results.filter(({ outcome }) => outcome === 'failed');
      expect(failed.map(({ id }) => id).sort()).toEqual([database.id, archive.id, secrets.id].sort());
      // Its bytes are whole, and it reads to its last line: only the restore shows that a ticket is missing.
      expect(failed.find(({ item }) => item === 'database')?.why).toMatch(/violates foreign key constraint/);
      expect(failed.find(({ item }) => item === 'containers')?.why).toMatch(/does not restore/);
      expect(data.results.find(({ item }) => item === 'configs')?.outcome).toBe('passed');
      await report('recovery-drill-failed', 1);
      const shown = await list();
      for (const { id } of failed)
        expect(shown.find((one) => one.id === id)).toMatchObject({ proof: null, failure: expect.anything() });
      await leftNothing(rig());
    } finally {
      for (const turn of back) await turn();
    }
    await rig().json(0, 'drill', 'run', '--from', database.id, '--yes');
    expect((await list()).find(({ id }) => id === database.id)?.proof).not.toBeNull();
  });

  it('drill: one that is killed leaves what the next one takes away', async () => {
    const cluster = await openCluster(rig());
    try {
      const isThere = async () => (await ofDrills(cluster)).length > 0;
      const drill = rig().start('drill', 'run', '--what', 'redis', '--yes');
      while (!(await isThere())) await new Promise((resolve) => setTimeout(resolve, 200));
      drill.kill();
      await drill.done;
      expect(await isThere()).toBe(true);
      const cut = await rig().json<{ data: { outcome: string } }>(1, 'drill', 'report');
      expect(cut.data.outcome).toBe('cut short');
      await rig().json(0, 'drill', 'run', '--what', 'configs', '--yes');
      expect(await isThere()).toBe(false);
      await rig().healthy(60_000);
    } finally {
      await cluster.close();
    }
  });
}

const ofDrills = async (cluster: Awaited<ReturnType<typeof openCluster>>) =>
  (await cluster.guests()).filter(({ vmid }) => vmid >= 900 && vmid <= 949);

async function leftNothing(rig: Rig): Promise<void> {
  const cluster = await openCluster(rig);
  try {
    expect(await ofDrills(cluster)).toEqual([]);
  } finally {
    await cluster.close();
  }
  expect((await rig.json<{ steps: object[] }>(0, 'plan')).steps).toEqual([]);
}

/** Turns a bit in the middle of a file. @returns what turns it back */
async function turnBit(file: string): Promise<() => Promise<void>> {
  const turn = async () => {
    const handle = await open(file, 'r+');
    try {
      const at = (await handle.stat()).size >> 1;
      const byte = Buffer.alloc(1);
      await handle.read(byte, 0, 1, at);
      byte[0]! ^= 1;
      await handle.write(byte, 0, 1, at);
    } finally {
      await handle.close();
    }
  };
  await turn();
  return turn;
}

/** Takes a ticket out of a dump that has comments, and gives it a manifest that fits. @returns what puts it back */
async function withoutTicket(file: string): Promise<() => Promise<void>> {
  const text = zstdDecompressSync(await readFile(file)).toString('utf8');
  const rowsOf = (table: string) => {
    const [, columns, rows] = new RegExp(
      `^COPY tickets\\.${table} \\(([^)]*)\\) FROM stdin;\\n(.*?)^\\\\\\.$`,
      'ms',
    ).exec(text)!;
    const at = (column: string) => columns!.split(', ').indexOf(column);
    return { at, rows: rows!.split('\n').filter((row) => row !== '') };
  };
  const comments = rowsOf('comments');
  const ticket = comments.rows[0]!.split('\t')[comments.at('ticket_id')]!;
  const tickets = rowsOf('tickets');
  const row = tickets.rows.find((one) => one.split('\t')[tickets.at('id')] === ticket)!;
  const content = zstdCompressSync(Buffer.from(text.replace(`${row}\n`, '')));
  const manifest = JSON.parse(await readFile(`${file}.json`, 'utf8')) as object;
  for (const end of ['', '.json']) await rename(`${file}${end}`, `${file}${end}.kept`);
  await writeFile(file, content);
  const sha256 = createHash('sha256').update(content).digest('hex');
  await writeFile(`${file}.json`, JSON.stringify({ ...manifest, bytes: content.length, sha256 }));
  return async () => {
    for (const end of ['', '.json']) await rename(`${file}${end}.kept`, `${file}${end}`);
    await rm(`${file}.proof.json`, { force: true });
  };
}

/** Where the archive of a container stands on this machine: the lab keeps it somewhere in its folder. */
async function archiveOf({ dir }: Rig, volid: string): Promise<string> {
  const name = basename(volid);
  const found = (await readdir(dir, { recursive: true })).map((path) => join(dir, path));
  const file = found.find((path) => basename(path) === name);
  if (file === undefined || !existsSync(file)) throw new Error(`${name} is nowhere in ${dir}.`);
  return file;
}
