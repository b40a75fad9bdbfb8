import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseUpid } from '@psa/proxmox/upid';
import { until } from '@psa/test-kit/until';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ofTask } from '../process-group.ts';
import { TaskManager } from './task-manager.ts';

let folder: string;
let tasks: TaskManager;
const spec = { node: 'pve1', type: 'vzstart', id: '101', user: 'ops@pve!psactl' };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'psa-tasks-'));
  tasks = new TaskManager(folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('a task', () => {
  it('has a UPID that names it and its owner, and a log that ends with its status', async () => {
    const upid = tasks.start(spec, (task) => task.log('starting'));
    expect(parseUpid(upid)).toMatchObject({
      node: 'pve1',
      type: 'vzstart',
      id: '101',
      user: 'ops@pve!psactl',
    });
    expect(tasks.record(upid)?.status).toBeUndefined();
    expect(await tasks.wait(upid)).toBe('OK');
    expect(tasks.lines(upid)).toEqual(['starting', 'TASK OK']);
    expect(tasks.record(upid)).toMatchObject({ status: 'OK', user: 'ops@pve', tokenid: 'psactl', id: '101' });
  });

  it('fails with the words of its error, in one line', async () => {
    const upid = tasks.start(spec, () => {
      throw new Error('no room\n on disk\n');
    });
    expect(await tasks.wait(upid)).toBe('no room on disk');
    expect(tasks.lines(upid)).toEqual(['TASK ERROR: no room on disk']);
    await expect(tasks.run(spec, () => Promise.reject(new Error('again')))).rejects.toThrow('again');
  });

  it('counts its warnings and is a success all the same', async () => {
    const upid = tasks.start(spec, (task) => {
      task.warn('old kernel');
      task.warn('slow disk');
    });
    expect(await tasks.wait(upid)).toBe('WARNINGS: 2');
    expect(tasks.lines(upid)).toEqual(['WARN: old kernel', 'WARN: slow disk', 'TASK WARNINGS: 2']);
    await tasks.run(spec, (task) => task.warn('again'));
  });

  it.each([
    [undefined, 'received interrupt', ['working', 'TASK ERROR: received interrupt']],
    ['killed', 'unexpected status', ['working']],
    ['itself', 'cleaned up', ['working', 'cleaning up', 'TASK ERROR: cleaned up']],
  ] as const)('that is stopped (%s) ends with "%s"', async (ends, status, lines) => {
    const after: string[] = [];
    const upid = tasks.start({ ...spec, ...(ends === undefined ? {} : { ends }) }, async (task) => {
      task.log('working');
      await sleep(60_000, undefined, { signal: task.signal }).catch(() => after.push('told'));
      task.log('cleaning up');
      throw new Error('cleaned up');
    });
    await sleep(20);
    await tasks.abort(upid);
    expect(tasks.record(upid)?.status).toBe(status);
    await sleep(20);
    expect(after).toEqual(['told']);
    expect(tasks.lines(upid)).toEqual(lines);
    await tasks.abort(upid);
  });

  it('that does not listen when it is told is killed', async () => {
    const hasty = new TaskManager(folder, 0.001);
    const upid = hasty.start({ ...spec, ends: 'itself' }, () => new Promise(() => {}));
    await hasty.abort(upid);
    expect(hasty.record(upid)?.status).toBe('unexpected status');
  });

  it('that is a process ends when that is killed, and what it had started goes on for nobody', async () => {
    const after: boolean[] = [];
    const upid = tasks.start({ ...spec, isProcess: true }, async (task) => {
      task.log('working');
      await sleep(400);
      after.push(task.gone.aborted, task.signal.aborted);
      task.log('not heard');
    });
    await sleep(50);
    process.kill(parseUpid(upid)!.pid, 'SIGKILL');
    expect(await tasks.wait(upid)).toBe('unexpected status');
    expect([tasks.isRunning(upid), after]).toEqual([false, []]);
    await until(() => after.length === 2);
    expect(after).toEqual([true, false]);
    expect(tasks.lines(upid)).toEqual(['working']);
    // And the process ends with its task.
    const whole = tasks.start({ ...spec, isProcess: true }, () => undefined);
    expect(await tasks.wait(whole)).toBe('OK');
    await until(() => !existsSync(`/proc/${parseUpid(whole)!.pid}`));
    expect(tasks.record(whole)?.status).toBe('OK');
  });

  it('lets who lowers the priority of its group lower its programs, those that run and those that come', async () => {
    const priorityOf = (pid: number) =>
      execFileSync('ps', ['-o', 'cls=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    const programs: ChildProcess[] = [];
    const begin = () => {
      const [program, ...args] = ofTask(['sleep', '60']);
      programs.push(spawn(program, args));
    };
    const { promise: lowered, resolve: go } = Promise.withResolvers<void>();
    const upid = tasks.start({ ...spec, isProcess: true }, async () => {
      begin();
      await lowered;
      begin();
    });
    const { pid } = parseUpid(upid)!;
    const members = () => execFileSync('ps', ['-e', '-o', 'pgid='], { encoding: 'utf8' }).split('\n');
    const count = () => members().filter((one) => Number(one) === pid).length;
    try {
      await until(() => count() === 2);
      for (const member of execFileSync('pgrep', ['-g', String(pid)], { encoding: 'utf8' })
        .trim()
        .split('\n'))
        execFileSync('chrt', ['--idle', '--pid', '0', member]);
      go();
      expect(await tasks.wait(upid)).toBe('OK');
      // The worker goes with its task; its programs outlive it here.
      await until(() => programs.length === 2 && count() === 2);
      expect(programs.map((one) => priorityOf(one.pid!))).toEqual(['IDL', 'IDL']);
      // Of no task: of no group.
      expect(ofTask(['sleep', '60'])).toEqual(['sleep', '60']);
    } finally {
      for (const one of programs) one.kill('SIGKILL');
    }
  });

  it('goes with its node, and no other does', async () => {
    const wait = (task: { signal: AbortSignal }) =>
      sleep(60_000, undefined, { signal: task.signal }).then(() => {});
    const here = tasks.start(spec, wait);
    const there = tasks.start({ ...spec, node: 'pve2' }, wait);
    await tasks.abortNode('pve1');
    expect([tasks.isRunning(here), tasks.isRunning(there)]).toEqual([false, true]);
    await tasks.abort(there);
  });
});

describe('another daemon on the same folder', () => {
  it('knows what ended, and what the one before it left in the middle', async () => {
    const ended = tasks.start(spec, (task) => task.log('done'));
    await tasks.wait(ended);
    const lost = tasks.start(spec, () => new Promise(() => {}));
    const next = new TaskManager(folder);
    expect(next.record(ended)?.status).toBe('OK');
    expect(next.record(lost)?.status).toBe('unexpected status');
    expect(
      next
        .list('pve1')
        .map((one) => one.upid)
        .sort(),
    ).toEqual([ended, lost].sort());
    expect(next.list('pve2')).toEqual([]);
    await tasks.abort(lost);
  });

  it('does not know a task that never was', () => {
    expect(tasks.record('UPID:pve1:0000FFFF:00000001:6B016988:vzstart:101:root@pam:')).toBeNull();
    expect(tasks.lines('UPID:nonsense')).toBeNull();
  });
});
