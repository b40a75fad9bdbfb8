import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Params } from '../schema/api-schema.ts';
import type { LockWait } from './engine.ts';
import { failure, useHarness } from './harness.test-helper.ts';
import { leftBehind, lockIn, lockOfTask } from './locks.ts';
import { failed, ok, type Received, type Reply } from './pve-server.test-helper.ts';

const FLOCK = "can't lock file '/run/lock/lxc/pve-config-300.lock' - got timeout";
const LOCAL = "can't lock file '/var/lock/pve-manager/pve-storage-local-zfs' - got timeout";
const SHARED = "cfs-lock 'storage-shared' error: got lock request timeout";

describe('what Proxmox says of locks', () => {
  it.each([
    // Text, what it is: kind, name, whether it passes; null: no lock, or none that could pass.
    [FLOCK, 'file', '/run/lock/lxc/pve-config-300.lock', true],
    [`unable to create CT 300 - ${LOCAL}`, 'file', '/var/lock/pve-manager/pve-storage-local-zfs', true],
    [`unable to create CT 300 - ${SHARED}`, 'cluster', 'storage-shared', true],
    [
      "create resource failed: cfs-lock 'domain-ha' error: got lock request timeout",
      'cluster',
      'domain-ha',
      true,
    ],
    ["ACL update failed: cfs-lock 'file-user_cfg' error: got lock timeout", 'cluster', 'file-user_cfg', true],
    ['CT is locked (backup)', 'guest', 'backup', true],
    ['CT is locked (snapshot-delete)', 'guest', 'snapshot-delete', true],
    ['unable to restore CT 300 - CT is locked (disk)', 'guest', 'disk', true],
    ['ERROR: migration aborted (duration 00:00:00): CT is locked (backup)', 'guest', 'backup', true],
    ['VM is locked (clone)', 'guest', 'clone', true],
    ['CT is locked (mounted)', 'guest', 'mounted', false],
    ['CT is locked (destroyed)', 'guest', 'destroyed', false],
    ["can't acquire lock '/var/run/vzdump.lock' - got timeout", 'backup', '/var/run/vzdump.lock', true],
    ["can't acquire lock '/var/run/vzdump.lock' (wait = 0)", 'backup', '/var/run/vzdump.lock', true],
    ["cfs-lock 'domain-ha' error: no quorum!", null, '', false],
    ["cfs-lock 'storage-shared' error: pve cluster filesystem not online.", null, '', false],
    ["unable to create CT 300 - 'storage-shared'-locked command timed out - aborting", null, '', false],
    ["can't lock file '/run/lock/lxc/x.lock' - can't open file - No space left on device", null, '', false],
    ['trying to acquire lock...', null, '', false],
    ["trying to acquire cfs lock 'storage-shared' ...", null, '', false],
    ['cluster not ready - no quorum?', null, '', false],
    ['CT 300 already exists on node pve1', null, '', false],
    ['Your account is locked', null, '', false],
  ] as const)('%s', (text, kind, name, passes) => {
    const found = lockIn(text);
    if (kind === null) expect(found).toBeNull();
    else expect(found).toEqual({ kind, name, passes, hint: expect.stringMatching(/\S/) });
    // Where in the text it stands makes no difference.
    expect(lockIn(`Error\n  before: ${text}\nafter`)).toEqual(found);
  });

  it('the end of a log counts where the exit status says only that something failed', () => {
    const log = ['Requesting HA start for CT 300', "cfs-lock 'domain-ha' error: got lock request timeout"];
    const command = "command 'ha-manager set ct:300 --state started' failed: exit code 255";
    expect(lockOfTask({ exitStatus: command, log })).toMatchObject({ name: 'domain-ha' });
    expect(lockOfTask({ exitStatus: 'migration aborted', log: ['x: CT is locked (disk)'] })?.name).toBe(
      'disk',
    );
    expect(
      lockOfTask({ exitStatus: 'job errors', log: ['ERROR: Backup of VM 300 failed - CT is locked (disk)'] }),
    ).toMatchObject({ name: 'disk' });
    // It says what it was, or nobody knows what was done.
    for (const exitStatus of ['no space left', 'unexpected status', 'migration problems'])
      expect(lockOfTask({ exitStatus, log })).toBeNull();
    // What stands further up was met by something else and got over.
    expect(lockOfTask({ exitStatus: command, log: [...log, ...Array(12).fill('work')] })).toBeNull();
  });

  it('what is left behind forbids to send the same again', () => {
    const met = (type: string, text: string, params: Params = {}, log: readonly string[] = []) =>
      leftBehind(lockIn(text)!, { type, params, exitStatus: text, log: [...log, text] });
    // Taken first, or taken back.
    for (const type of ['vzstart', 'vzstop', 'vzshutdown', 'vzdestroy', 'vzsnapshot', 'resize', 'hastart'])
      expect([type, met(type, FLOCK)]).toEqual([type, null]);
    expect(met('vzcreate', SHARED)).toBeNull();
    expect(met('vzcreate', LOCAL)).toBeNull();
    // The request has written the configuration, and the task never came to where it is taken back.
    expect(met('vzcreate', FLOCK)).toMatch(/pct unlock/);
    expect(met('vzrestore', FLOCK)).toMatch(/pct unlock/);
    expect(met('vzrestore', FLOCK, { force: 1 })).toBeNull();
    expect(met('vzmigrate', 'CT is locked (backup)')).toBeNull();
    expect(met('vzmigrate', SHARED, {}, ['aborting phase 1 - cleanup resources'])).toMatch(/Copies/);
    expect(met('vzdump', 'CT is locked (disk)', { vmid: '300' })).toBeNull();
    for (const params of [{ vmid: '300,301' }, { all: 1 }, { pool: 'psa' }, { vmid: [300, 301] }])
      expect(met('vzdump', 'CT is locked (disk)', params)).toMatch(/saved already/);
    expect(met('vzrollback', SHARED)).toMatch(/pct unlock/);
    expect(met('vzdelsnapshot', LOCAL)).toMatch(/pct unlock/);
    expect(met('vzrollback', FLOCK)).toBeNull();
  });
});

describe('waiting for a lock', () => {
  const harness = useHarness();

  interface Ending {
    readonly exitstatus: string;
    readonly log?: readonly string[];
  }

  /** A server on which each request starts a task of a kind, the tasks end one after the other as told; the last stays. */
  function tasks(type: string, endings: readonly Ending[]) {
    let started = 0;
    const now = () => endings[Math.min(started, endings.length) - 1]!;
    harness.server.reply = (request: Received): Reply => {
      if (request.path.endsWith('/log')) {
        const start = Number(request.query.get('start'));
        return ok((now().log ?? []).map((t, index) => ({ n: index + 1, t })).slice(start));
      }
      if (request.path.endsWith('/status') && request.path.includes('/tasks/'))
        return ok({ status: 'stopped', exitstatus: now().exitstatus });
      started++;
      return ok(upid(type, started));
    };
    return { started: () => started };
  }
  const upid = (type: string, nth: number) =>
    `UPID:pve1:000000EA:00023F33:6B01699${nth % 10}:${type}:300:root@pam!full:`;
  const create = ['POST', '/nodes/pve1/lxc', { vmid: 300, ostemplate: 'local:vztmpl/a.tar.zst' }] as const;

  it.each([
    ['vzcreate', `unable to create CT 300 - ${LOCAL}`, []],
    ['vzcreate', `unable to create CT 300 - ${SHARED}`, []],
    ['vzstart', FLOCK, []],
    ['vzdestroy', SHARED, []],
    [
      'hastart',
      "command 'ha-manager set ct:300 --state started' failed: exit code 255",
      ["update resources config failed: cfs-lock 'domain-ha' error: got lock request timeout"],
    ],
    [
      'vzmigrate',
      'migration aborted',
      ['ERROR: migration aborted (duration 00:00:10): CT is locked (backup)'],
    ],
  ])('%s sends again what its task met: %s', async (type, exitstatus, log) => {
    const server = tasks(type, [{ exitstatus, log }, { exitstatus, log }, { exitstatus: 'OK' }]);
    const waits: LockWait[] = [];
    const told: string[] = [];
    const done = await harness
      .clientOf({ lockWaitMs: 60_000, onWait: (wait) => waits.push(wait) })
      .run(...create, { onTask: (one) => told.push(one) });
    expect(done).toMatchObject({ exitStatus: 'OK' });
    expect(server.started()).toBe(3);
    expect(told).toEqual([1, 2, 3].map((nth) => upid(type, nth)));
    expect(waits).toHaveLength(2);
    expect(waits[0]).toMatchObject({
      method: 'POST',
      path: '/nodes/pve1/lxc',
      lock: { passes: true },
      waitedMs: 0,
      boundMs: 60_000,
    });
  });

  it('has a bound, and the error says how long it waited and what may hold it', async () => {
    const server = tasks('vzstart', [{ exitstatus: 'CT is locked (backup)' }]);
    const error = await failure(harness.clientOf({ lockWaitMs: 60_000 }).run(...create));
    expect(error).toMatchObject({ kind: 'locked', lock: { name: 'backup' }, method: 'POST' });
    expect(error.hint).toMatch(/^It was waited for 5\d s\. .*pct unlock/);
    expect(server.started()).toBeGreaterThan(10);
    expect(harness.clock.now()).toBeLessThanOrEqual(60_000);
  });

  it('has one bound for all tries, with what a task waits for the lock by itself', async () => {
    let started = 0;
    let began = 0;
    harness.server.reply = (request) => {
      if (request.path.endsWith('/log')) return ok([]);
      if (!request.path.includes('/tasks/')) {
        started++;
        began = harness.clock.now();
        return ok(upid('vzcreate', started));
      }
      const runs = harness.clock.now() - began < 16_000;
      return ok(runs ? { status: 'running' } : { status: 'stopped', exitstatus: SHARED });
    };
    const error = await failure(harness.clientOf({ lockWaitMs: 60_000 }).run(...create));
    expect(error).toMatchObject({ kind: 'locked', lock: { name: 'storage-shared' } });
    // The first try took as long as the others; from its end on it was waited.
    const perTry = harness.clock.now() / started;
    expect(perTry).toBeGreaterThan(15_000);
    expect(started).toBeGreaterThan(1);
    expect(harness.clock.now() - perTry).toBeLessThanOrEqual(60_000);
  });

  it('does not send again what runs, when it is the question for its end that meets a lock', async () => {
    let asked = 0;
    let started = 0;
    harness.server.reply = (request) => {
      if (request.path.endsWith('/log')) return failed(SHARED);
      if (!request.path.includes('/tasks/')) return ok(upid('vzcreate', ++started));
      return asked++ < 3 ? failed(SHARED) : ok({ status: 'stopped', exitstatus: 'OK' });
    };
    const waits: LockWait[] = [];
    const client = harness.clientOf({ lockWaitMs: 60_000, onWait: (wait) => waits.push(wait) });
    expect(await client.run(...create)).toMatchObject({ exitStatus: 'OK' });
    asked = Number.NEGATIVE_INFINITY;
    const error = await failure(client.run(...create));
    expect(error).toMatchObject({ kind: 'timeout', outcomeUnknown: true });
    expect([started, waits]).toEqual([2, []]);
  });

  it('counts from when the lock is met: a task that ran for minutes has the whole of it', async () => {
    let polls = 0;
    let started = 0;
    harness.server.reply = (request) => {
      if (request.path.endsWith('/log')) return ok([]);
      if (!request.path.includes('/tasks/')) return ok(upid('vzcreate', ++started));
      if (started === 1 && polls++ < 200) return ok({ status: 'running' });
      return ok({ status: 'stopped', exitstatus: started === 1 ? SHARED : 'OK' });
    };
    expect(await harness.clientOf({ lockWaitMs: 10_000 }).run(...create)).toMatchObject({ exitStatus: 'OK' });
    expect(harness.clock.now()).toBeGreaterThan(200_000);
    expect(started).toBe(2);
  });

  it('what would be done twice, or will not pass, is not sent again', async () => {
    for (const [type, exitstatus, hint] of [
      ['vzcreate', FLOCK, /empty configuration with the lock "create"/],
      ['vzstart', 'CT is locked (mounted)', /pct unmount/],
      ['vzcreate', "unable to create CT 300 - 'storage-shared'-locked command timed out - aborting", null],
      ['vzstart', "cfs-lock 'file-user_cfg' error: no quorum!", null],
    ] as const) {
      const server = tasks(type, [{ exitstatus }]);
      const error = await failure(harness.clientOf({ lockWaitMs: 60_000 }).run(...create));
      expect([error.kind, server.started()]).toEqual(['task', 1]);
      if (hint) expect(error.message).toMatch(hint);
    }
    expect(harness.clock.slept).toEqual([]);
  });

  it('a lock in the answer itself, also in the errors of its fields', async () => {
    for (const reply of [
      failed(`create resource failed: ${SHARED}`),
      failed(`unable to create CT 300 - ${FLOCK}`),
      failed('Parameter verification failed.', 400, { net0: `unable to hotplug net0: ${FLOCK}` }),
    ]) {
      let asked = 0;
      const waits: LockWait[] = [];
      harness.server.reply = () => (asked++ < 2 ? reply : ok(null));
      const client = harness.clientOf({ lockWaitMs: 30_000, onWait: (wait) => waits.push(wait) });
      expect(await client.request('PUT', '/nodes/pve1/lxc/300/config', { net0: 'x' })).toBeNull();
      expect([asked, waits.length]).toEqual([3, 2]);
    }
  });

  it('an upload is sent again as a whole', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'psa-locks-'));
    try {
      const file = join(folder, 'a_1_amd64.tar.zst');
      await writeFile(file, 'template');
      const server = tasks('imgcopy', [{ exitstatus: SHARED }, { exitstatus: 'OK' }]);
      const target = { node: 'pve1', storage: 'shared', content: 'vztmpl', file } as const;
      expect(await harness.clientOf({ lockWaitMs: 30_000 }).upload(target)).toMatchObject({
        exitStatus: 'OK',
      });
      expect(server.started()).toBe(2);
      const sent = harness.server.received.filter(({ method }) => method === 'POST');
      expect(sent.map(({ raw }) => raw.includes('\r\n\r\ntemplate\r\n--'))).toEqual([true, true]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
