import { execFileSync } from 'node:child_process';
import { mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { labControl } from '@psa/lab/control';
import { parseUpid } from '@psa/proxmox/upid';
import { artefactFile, parseArtefactId } from '@psa/recovery/artefact-name';
import { ensureBackupKey } from '@psa/recovery/key-file';
import type { SiteManifest } from '@psa/recovery/manifest';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { backedUpLab, type FakeLab } from '../fake-lab.test-helper.ts';
import { Cluster } from '../site/cluster.ts';
import { withClusterLock } from '../site/cluster-lock.ts';
import { BACKUP_LOCK, REDIS_LOCK, type RunResult } from './run-backup.ts';

/** What goes wrong around backups that are made and restored; backup/FAULTS.md is the table of all of it. */
let lab: FakeLab;
let run: RunResult;
beforeAll(async () => {
  ({ lab, run } = await backedUpLab());
}, 900_000);
afterAll(() => lab?.close(), 300_000);
afterEach(() => void vi.useRealTimers());

const json = <T>(code: number, ...argv: string[]) => lab.json<T>(code, ...argv);
const folder = () => lab.site.folder.file('backups');
interface Listed {
  readonly id: string;
  readonly run: string;
  readonly state: string;
  readonly tier: string | null;
}
const list = async () => (await json<{ data: Listed[] }>(0, 'backup', 'list')).data;
const good = async () => (await list()).filter(({ state }) => state === 'good').map(({ id }) => id);
const idOf = (name: RegExp) => run.parts.find((part) => name.test(part.name))!.id!;

/** Turns a bit in the middle of an artefact, where it is. @returns what turns it back */
async function turnBit(id: string): Promise<() => Promise<void>> {
  const text = await readFile(join(folder(), `${artefactFile(id)}.json`), 'utf8');
  const { volume, from } = JSON.parse(text) as SiteManifest;
  let file = join(folder(), artefactFile(id));
  if (volume) {
    const find = `pvesm path ${volume.volid}`;
    file = (await lab.site.shell.onNode(from.node!, 'find it', find)).stdout.trim();
  }
  const turn = async () => {
    const handle = await open(file, 'r+');
    const at = (await handle.stat()).size >> 1;
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, at);
    await handle.write(Buffer.from([buffer[0]! ^ 1]), 0, 1, at);
    await handle.close();
  };
  await turn();
  return turn;
}

describe('one bit', { timeout: 600_000 }, () => {
  /** How each is restored; what is unpacked needs a folder. */
  const restoreOf = (id: string): readonly string[] => {
    const { kind } = parseArtefactId(id)!;
    if (kind === 'container') return ['restore', 'container', 'psa-redis-1', '--from', id];
    if (kind === 'database') return ['restore', 'database', id, '--as', 'look_here'];
    if (kind === 'redis') return ['restore', 'redis', id];
    return ['restore', 'config', id, '--to', join(lab.dir, 'bit')];
  };

  it('in an artefact of whatever kind is found by reading it, and keeps it from being restored', async () => {
    const ids = [/^database/, /^redis$/, /^rabbitmq/, /^configurations/, /^releases/, /^secrets/];
    const all = [...ids.map((name) => idOf(name)), idOf(/psa-redis-1/)];
    expect(new Set(all.map((id) => parseArtefactId(id)!.kind)).size).toBe(7);
    for (const id of all) {
      const back = await turnBit(id);
      const { data } = await json<{ data: { ok: boolean; why: string }[] }>(1, 'backup', 'verify', id);
      expect(data, id).toMatchObject([{ ok: false }]);
      const ran = await lab.psactl(...restoreOf(id), '--yes');
      expect(ran.code, `${id} ${ran.stdout}`).toBe(1);
      expect(ran.stderr, id).toMatch(/another SHA-256|does not restore/);
      await back();
    }
    expect(await readdir(lab.dir)).not.toContain('bit');
    const { data } = await json<{ data: { ok: boolean }[] }>(0, 'backup', 'verify', ...all);
    expect(data.every(({ ok }) => ok)).toBe(true);
  });
});

describe('a key that does not fit', { timeout: 300_000 }, () => {
  it('opens nothing, is named, and a backup is not called whole by it', async () => {
    const other = join(lab.dir, 'other.key');
    await ensureBackupKey(other);
    await lab.edit((text) => text.replace(/(encryption_key_file: )(\S+)/, `$1${other} # $2`));
    try {
      const { data } = await json<{ data: { ok: boolean; why: string }[] }>(
        1,
        'backup',
        'verify',
        idOf(/^secrets/),
      );
      expect(data).toMatchObject([{ ok: false, why: expect.stringContaining('another key') }]);
      const before = await good();
      const redis = await lab.psactl('restore', 'redis', idOf(/^redis$/), '--yes');
      expect(redis).toMatchObject({ code: 1, stderr: expect.stringContaining('another key') });
      // Refused before anything was saved or stopped.
      expect(await good()).toEqual(before);
    } finally {
      await lab.edit((text) => text.replace(/(encryption_key_file: )\S+ # (\S+)/, '$1$2'));
    }
    await json(0, 'backup', 'verify', idOf(/^secrets/));
  });
});

describe('two at once', { timeout: 300_000 }, () => {
  it('a restore does not begin while a backup is at work, whichever machine it is', async () => {
    const what = { name: BACKUP_LOCK, what: 'psactl backup run', signal: new AbortController().signal };
    await withClusterLock(lab.site, what, async () => {
      for (const argv of [
        ['restore', 'redis', 'latest', '--yes'],
        ['restore', 'database', 'latest', '--yes'],
        ['restore', 'container', 'psa-redis-1', '--yes'],
      ])
        expect(await lab.psactl(...argv), argv.join(' ')).toMatchObject({
          ...{ code: 11, stderr: expect.stringContaining('It is held by psactl backup run') },
        });
    });
  });

  it('Redis is not restored while it is being saved, which is done every few minutes beside a run', async () => {
    const what = { name: REDIS_LOCK, what: 'psactl backup run', signal: new AbortController().signal };
    await withClusterLock(lab.site, what, async () => {
      const ran = await lab.psactl('restore', 'redis', 'latest', '--yes');
      expect(ran).toMatchObject({ code: 11, stderr: expect.stringContaining('psactl backup run') });
    });
  });

  it('of two runs that begin in the same moment one waits for nobody and is told so', async () => {
    const both = await Promise.all(
      [0, 1].map(() => lab.psactl('backup', 'run', '--only', 'database', '--yes')),
    );
    expect(both.map(({ code }) => code).sort()).toEqual([0, 11]);
  });
});

describe('a clock that was moved', { timeout: 600_000 }, () => {
  const HOUR = 3_600_000;
  /** Runs psactl at another time; only the date is another, nothing waits longer. */
  const at = async <T>(moment: number, work: () => Promise<T>): Promise<T> => {
    vi.useFakeTimers({ now: moment, toFake: ['Date'], shouldAdvanceTime: false });
    try {
      return await work();
    } finally {
      vi.useRealTimers();
    }
  };
  const take = () => json<{ data: RunResult }>(0, 'backup', 'run', '--only', 'database', '--tier', 'son');

  it('back or forth, by an hour or a day, prunes nothing good that the right clock keeps', async () => {
    const now = Date.now();
    const before = await good();
    const keptBy = async (moment: number) =>
      at(moment, async () => {
        const { data } = await json<{ data: { stores: { remove: { id: string }[] }[] } }>(
          ...([0, 'backup', 'prune', '--dry-run'] as const),
        );
        return new Set(data.stores.flatMap(({ remove }) => remove.map(({ id }) => id)));
      });
    const taken: string[] = [];
    const latest = async () => {
      const argv = ['restore', 'database', 'latest', '--as', 'look_here', '--dry-run'];
      return (await json<{ backup: string }>(0, ...argv)).backup;
    };
    for (const moved of [-24 * HOUR, -HOUR, HOUR, 24 * HOUR, 0]) {
      taken.push((await at(now + moved, take)).data.parts[0]!.id!);
      // The one that was made last, whatever its date: to restore an older one would lose what was written since.
      expect(await latest(), `${moved / HOUR} h`).toBe(taken.at(-1));
      expect((await keptBy(now)).has(taken.at(-1)!), `${moved / HOUR} h`).toBe(false);
    }
    expect(new Set(taken).size).toBe(5);
    // All of them are whole, whatever their names say of the time.
    const { data } = await json<{ data: { ok: boolean }[] }>(0, 'backup', 'verify', ...taken);
    expect(data.every(({ ok }) => ok)).toBe(true);
    const others = before.filter((id) => !id.startsWith('database-'));
    const newest = (await list()).find(({ id, state }) => id.startsWith('database-') && state === 'good')!.id;
    for (const moved of [-24 * HOUR, -HOUR, 0, HOUR, 24 * HOUR]) {
      const removed = await keptBy(now + moved);
      for (const id of [...others, newest]) expect(removed.has(id), `${id} at ${moved / HOUR} h`).toBe(false);
    }
    // Of one day one stands for it: a day has no two sons, and each of the three days has its own.
    const removed = await keptBy(now + 24 * HOUR);
    const days = Map.groupBy(
      (await list()).filter(({ id, state }) => id.startsWith('database-') && state === 'good'),
      ({ run: name }) => name.slice(0, 8),
    );
    for (const [day, ofDay] of days)
      expect(ofDay.filter(({ id }) => !removed.has(id)).length, day).toBeGreaterThan(0);
  });

  it('forth and back again: what is due is still made, and not twice', async () => {
    const due = async (moment: number) =>
      at(moment, async () => {
        const ran = await lab.psactl('backup', 'run', '--due', '--json');
        expect([0, 3], ran.stderr + ran.stdout).toContain(ran.code);
        return (JSON.parse(ran.stdout) as { data: { run?: string } | null }).data?.run ?? null;
      });
    const tomorrow = Date.now() + 24 * HOUR;
    const first = await due(tomorrow);
    expect(await due(tomorrow + 60_000)).toBeNull();
    // The clock is put right: what was made "tomorrow" is dated in the future, and hides nothing that is due.
    const known = new Set((await list()).map((one) => one.run));
    const again = await due(Date.now());
    expect(again === null || !known.has(again)).toBe(true);
    if (first !== null) expect((await list()).some((one) => one.run === first)).toBe(true);
  });
});

describe('a disk that is full', { timeout: 120_000 }, () => {
  it('is seen in the plan of a restore, and nothing is put onto it', async () => {
    const small = join(lab.dir, 'small-disk');
    await mkdir(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small]);
    try {
      for (const argv of [
        ['restore', 'config', idOf(/^configurations/), '--to', join(small, 'there')],
        [
          ...['restore', 'file', '/usr/lib/os-release', '--container', 'psa-redis-1'],
          ...['--from', idOf(/psa-redis-1/), '--out', join(small, 'there')],
        ],
      ]) {
        const ran = await lab.psactl(...argv, '--yes');
        expect(ran, argv.join(' ')).toMatchObject({
          code: 1,
          stderr: expect.stringContaining('too little room'),
        });
      }
      expect(await readdir(small)).toEqual([]);
    } finally {
      execFileSync('umount', ['-l', small]);
    }
  });
});

describe('a restore of a container that is cut short', { timeout: 900_000 }, () => {
  const saved = async () =>
    (await readdir(folder())).filter((name) => name.startsWith('container-320-') && name.endsWith('.json'));
  const wanted = () => ['restore', 'container', 'psa-redis-1', '--from', idOf(/psa-redis-1/), '--yes'];
  const isBack = async () => {
    await vi.waitFor(async () => expect((await lab.psactl(...wanted())).code).toBe(0), {
      ...{ timeout: 300_000, interval: 3_000 },
    });
    const cluster = new Cluster(lab.site, new AbortController().signal);
    expect((await cluster.need(320)).status).toBe('running');
  };

  it('with psactl killed once what was there is saved: it is restored by running it again', async () => {
    const before = (await saved()).length;
    const was = await lab.killedWhen(async () => (await saved()).length > before, ...wanted());
    expect(was).toBe(true);
    await isBack();
    for (const id of await good()) expect(id).toBeTruthy();
  });

  it('with its node without power: the backup of before is there, and it is restored when the node is back', async () => {
    const control = labControl(lab.dir);
    const { node } = await new Cluster(lab.site, new AbortController().signal).need(320);
    const before = await saved();
    const running = lab.psactl(...wanted());
    await vi.waitFor(async () => expect((await saved()).length).toBeGreaterThan(before.length), {
      ...{ timeout: 120_000, interval: 20 },
    });
    await control.killNode(node);
    const ran = await running;
    await control.startNode(node);
    if (ran.code === 0) expect(ran.stdout).toContain('psa-redis-1');
    const fresh = (await saved()).find((name) => !before.includes(name))!.replace(/\.vzdump\.json$/, '');
    await isBack();
    const { data } = await json<{ data: { ok: boolean }[] }>(0, 'backup', 'verify', fresh);
    expect(data).toMatchObject([{ ok: true }]);
  });
});

describe('a vzdump that is killed in the middle', { timeout: 600_000 }, () => {
  /** At the limit below large enough for some seconds to look and to kill it in, on a busy machine too. */
  const BALLAST = 15_000_000;
  const cluster = () => new Cluster(lab.site, new AbortController().signal);
  const on = async (node: string, line: string) =>
    (await lab.site.shell.onNode(node, 'look', line)).stdout.trim();
  /** Where the archives of a run are, and what is no archive there. */
  const unfinished = async (id: number) => {
    const { node } = await cluster().need(id);
    const probe = `pvesm path local:backup/vzdump-lxc-${id}-2000_01_01-00_00_00.tar`;
    const dump = dirname(await on(node, probe));
    return (await readdir(dump)).filter(
      (name) => name.startsWith(`vzdump-lxc-${id}-`) && /\.(dat|tmp)$/.test(name),
    );
  };
  /** Runs a backup of containers and kills the vzdump of one of them, as soon as that writes. */
  async function runAndKill(id: number, alsoDo = ''): Promise<RunResult> {
    const { node } = await cluster().need(id);
    const running = lab.psactl('backup', 'run', '--tier', 'son', '--only', 'containers', '--json');
    const task = await vi.waitFor(
      async () => {
        const tasks = await cluster().get<{ upid: string; type: string; id: string }[]>(
          ...([`/nodes/${node}/tasks`, { source: 'active' }] as const),
        );
        const mine = tasks.find((one) => one.type === 'vzdump' && one.id === String(id));
        expect(mine && (await unfinished(id)).length).toBe(2);
        return mine!;
      },
      { timeout: 120_000, interval: 20 },
    );
    const { pid } = parseUpid(task.upid)!;
    // What people wait for comes before it: the task and its programs.
    await vi.waitFor(async () => {
      const policies = (await on(node, 'ps -e -o pgid= -o cls='))
        .split('\n')
        .map((line) => line.trim().split(/ +/))
        .flatMap(([group, policy]) => (Number(group) === pid ? [policy] : []));
      expect(policies.length).toBeGreaterThan(1);
      expect(new Set(policies)).toEqual(new Set(['IDL']));
    }, 20_000);
    await on(node, `${alsoDo} kill -9 ${pid}`);
    const ran = await running;
    expect(ran.code, ran.stdout + ran.stderr).toBe(3);
    return (JSON.parse(ran.stdout) as { data: RunResult }).data;
  }

  it.each([
    ['psa-redis-1', 'snapshot'],
    ['psa-tickets-1', 'suspend'],
    ['psa-tickets-1', 'stop'],
  ])(
    '%s, in mode %s: it fails by name, nothing of it is called good or left, and it serves',
    async (name, mode) => {
      const { id } = lab.site.containers.find((one) => one.name === name)!;
      await cluster().must(id, ['sh', '-c', `head -c ${BALLAST} /dev/urandom >/var/lib/ballast`]);
      // What HA would start again is never stopped.
      if (mode === 'stop') await cluster().write('DELETE', `/cluster/ha/resources/ct:${id}`);
      await lab.edit((text) =>
        text.replace(
          / {2}interruption: suspend\n/,
          `  interruption: ${mode === 'stop' ? 'stop' : 'suspend'}\n  limits: { parallel: 2, bandwidth_mib: 1 }\n`,
        ),
      );
      try {
        const before = await list();
        const { parts } = await runAndKill(id, mode === 'stop' ? '' : `lxc-freeze -n ${id};`);
        const failed = parts.filter(({ outcome }) => outcome === 'failed');
        expect(failed).toMatchObject([
          {
            name: `${name} (CT ${id})`,
            outcome: 'failed',
            why: expect.stringContaining('vzdump was killed'),
          },
        ]);
        expect(failed[0]!.why).toMatch(/the lock was taken away.*\.tar\.dat.*\.tmp.*it was removed/);
        const now = await list();
        expect(now.filter((one) => !before.some((was) => was.id === one.id)).length).toBe(
          parts.filter(({ outcome }) => outcome === 'good').length,
        );
        for (const { id: was, state } of before) expect(now.find((one) => one.id === was)?.state).toBe(state);
        expect(await unfinished(id)).toEqual([]);
        const { node, status } = await cluster().need(id);
        expect(status).toBe('running');
        expect(await cluster().get(`/nodes/${node}/lxc/${id}/config`)).not.toHaveProperty('lock');
        expect(execFileSync('find', [lab.dir, '-name', 'frozen'], { encoding: 'utf8' })).toBe('');
      } finally {
        await cluster().must(id, ['rm', '-f', '/var/lib/ballast']);
        if (mode === 'stop') await json(0, 'apply', '--yes');
        await lab.edit((text) =>
          text.replace(/ {2}interruption: .*\n {2}limits: .*\n/, '  interruption: suspend\n'),
        );
      }
      const next = ['backup', 'run', '--tier', 'son', '--only', 'containers'];
      expect((await json<{ data: RunResult }>(0, ...next)).data.complete).toBe(true);
    },
  );

  it('with psactl killed, too: the next run takes away what was left, and is whole', async () => {
    const { id } = lab.site.containers.find(({ name }) => name === 'psa-redis-1')!;
    const { node } = await cluster().need(id);
    const dump = dirname(await on(node, `pvesm path local:backup/vzdump-lxc-${id}-2000_01_01-00_00_00.tar`));
    const begun = `vzdump-lxc-${id}-2026_11_30-02_00_00`;
    await writeFile(join(dump, `${begun}.tar.dat`), 'half');
    await mkdir(join(dump, `${begun}.tmp/etc/vzdump`), { recursive: true });
    await writeFile(join(dump, 'vzdump-lxc-99999-2026_11_30-02_00_00.tar.dat'), 'somebody else has it');
    await cluster().write('PUT', `/nodes/${node}/lxc/${id}/config`, { lock: 'backup' });
    const next = ['backup', 'run', '--tier', 'father', '--only', 'containers'];
    const { parts } = (await json<{ data: RunResult }>(0, ...next)).data;
    const { warnings } = parts.find((part) => part.name.startsWith('psa-redis-1'))!;
    expect(warnings.join(' ')).toMatch(/the lock was taken away.*\.tar\.dat.*\.tmp.*it was removed/);
    const left = (await readdir(dump)).filter((name) => /\.(dat|tmp)$/.test(name));
    expect(left).toEqual(['vzdump-lxc-99999-2026_11_30-02_00_00.tar.dat']);
    await rm(join(dump, left[0]!));
  });
});

describe('a node that loses its power in the middle', { timeout: 900_000 }, () => {
  it('of a backup: its parts fail by name, the others are good, and the next run is whole', async () => {
    const control = labControl(lab.dir);
    const before = await good();
    const running = lab.psactl('backup', 'run', '--tier', 'father', '--json');
    const known = new Set((await list()).map((one) => one.id));
    // As soon as the first container of this run is done.
    for (let n = 0; n < 600; n++) {
      if (
        (await readdir(folder())).some(
          (name) =>
            name.startsWith('container-') &&
            name.endsWith('.json') &&
            ![...known].some((id) => name.startsWith(id)),
        )
      )
        break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await control.killNode('pve2');
    const ran = await running;
    expect([1, 3], ran.stdout + ran.stderr).toContain(ran.code);
    await control.startNode('pve2');
    const { data } = JSON.parse(ran.stdout) as { data?: RunResult };
    const now = await list();
    // None is lost. Where the repository of the database was on that node, nobody can say yet what is in it.
    for (const id of before) {
      const isThere = id.startsWith('pitr-') ? ['good', 'elsewhere'] : ['good'];
      expect(isThere, id).toContain(now.find((one) => one.id === id)?.state);
    }
    // What is called good restores, as far as reading tells.
    const fresh = now.filter((one) => !known.has(one.id) && one.state === 'good').map(({ id }) => id);
    if (fresh.length > 0) {
      const read = await json<{ data: { ok: boolean }[] }>(0, 'backup', 'verify', ...fresh);
      expect(read.data.every(({ ok }) => ok)).toBe(true);
    }
    if (data) expect(data.complete).toBe(false);
    await vi.waitFor(async () => expect((await lab.psactl('apply', '--yes')).code).toBe(0), {
      ...{ timeout: 240_000, interval: 5_000 },
    });
    // HA starts the container of the repository elsewhere, in its own time.
    await vi.waitFor(async () => expect(await good()).toEqual(expect.arrayContaining(before)), {
      ...{ timeout: 240_000, interval: 2_000 },
    });
    const again = (await json<{ data: RunResult }>(0, 'backup', 'run', '--tier', 'father')).data;
    expect(again.complete).toBe(true);
  });
});
