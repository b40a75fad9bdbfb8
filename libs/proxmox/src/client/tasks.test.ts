import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exchange, exchanges, schema9 } from '../golden.test-helper.ts';
import { failure, useHarness } from './harness.test-helper.ts';
import { failed, ok, type Received, type Reply } from './pve-server.test-helper.ts';

const harness = useHarness();
const UPID = 'UPID:pve1:000000EA:00023F33:6B016998:vzstart:101:root@pam!full:';

const logOf = (lines: readonly string[], request: Received): Reply => {
  const from = Number(request.query.get('start') ?? 0);
  const some = lines
    .map((t, index) => ({ n: index + 1, t }))
    .slice(from, from + Number(request.query.get('limit')));
  // What the API says of an empty log.
  const data = some.length > 0 || from > 0 ? some : [{ n: 1, t: 'no content' }];
  return { body: { data, total: lines.length } };
};

/** A server on which one task goes through states, one per poll; the last stays. */
function task(states: readonly Reply[], log: readonly string[] = [], upid = UPID) {
  let polls = 0;
  harness.server.reply = (request) => {
    if (request.path.endsWith('/log')) return logOf(log, request);
    if (request.path.endsWith('/status') && request.path.includes('/tasks/'))
      return states[Math.min(polls++, states.length - 1)]!;
    return ok(upid);
  };
}
const running = ok({ status: 'running', upid: UPID });
const stopped = (exitstatus?: string) =>
  ok({ status: 'stopped', upid: UPID, ...(exitstatus ? { exitstatus } : {}) });

describe('waiting for a task', () => {
  it.each([300, 4_000, 60_000])('of %i ms takes hardly longer than it, and asks few times', async (lasts) => {
    const { clock } = harness;
    const from = clock.now();
    let polls = 0;
    harness.server.reply = (request) => {
      if (!request.path.endsWith('/status') || !request.path.includes('/tasks/')) return ok(UPID);
      polls++;
      return clock.now() - from < lasts ? running : stopped('OK');
    };
    await harness.clientOf().run('POST', '/nodes/pve1/lxc/101/status/start');
    expect(clock.now() - from - lasts).toBeLessThanOrEqual(Math.max(150, Math.min(2_000, lasts / 10)));
    expect(polls).toBeLessThan(lasts < 10_000 ? 50 : 120);
  });
});

describe('tasks as recorded', () => {
  it('end as they did: OK, or an error with the end of their log', async () => {
    const ended = exchanges.filter((one) => one.task?.final.exitstatus !== undefined && one.method !== 'GET');
    expect(ended.length).toBeGreaterThan(40);
    const seen = { ok: 0, failed: 0 };
    for (const one of ended) {
      const { first, final, log } = one.task!;
      task([ok(first), ok(first), ok(final)], log, final.upid);
      const run = harness.clientOf().run(one.method, one.path, one.params ?? {}, { lockWaitMs: 0 });
      if (final.exitstatus === 'OK') {
        expect(await run).toMatchObject({
          upid: final.upid,
          exitStatus: 'OK',
          warnings: 0,
          onlyRequested: false,
        });
        seen.ok++;
        continue;
      }
      const error = await failure(run);
      expect(error.task).toEqual({ upid: final.upid, exitStatus: final.exitstatus, log: log.slice(-20) });
      expect([error.method, error.path, error.status]).toEqual([one.method, one.path, undefined]);
      const isLocked = [final.exitstatus!, ...log].some((text) => text.includes('CT is locked'));
      expect(error.kind).toBe(isLocked ? 'locked' : 'task');
      expect(error.message).toContain(log.at(-1)!);
      seen.failed++;
    }
    expect([seen.ok > 25, seen.failed > 10]).toEqual([true, true]);
  });

  it('a route without a task gives none', async () => {
    for (const name of ['to template', 'vzdump vmid of other node']) {
      const one = exchange(name);
      harness.server.reply = () => ({ body: one.body });
      expect(await harness.clientOf().run(one.method, one.path, one.params ?? {})).toBeNull();
    }
  });
});

describe('waiting', () => {
  it('warnings are a success, and kept', async () => {
    task([running, stopped('WARNINGS: 2')], ['start', 'WARN: old', 'WARN: slow', 'TASK WARNINGS: 2']);
    expect(await harness.clientOf().waitTask(UPID)).toEqual({
      upid: UPID,
      exitStatus: 'WARNINGS: 2',
      warnings: 2,
      warningLines: ['WARN: old', 'WARN: slow', 'TASK WARNINGS: 2'],
      onlyRequested: false,
    });
  });

  it('a task that ends without a status failed', async () => {
    task([running, stopped()], ['half']);
    const error = await failure(harness.clientOf().waitTask(UPID));
    expect(error.task).toEqual({ upid: UPID, exitStatus: 'unexpected status', log: ['half'] });
  });

  it('a task that the token may not go through with says which right it lacks', async () => {
    task([stopped('Permission check failed (/storage/local, Datastore.AllocateSpace)')]);
    expect((await failure(harness.clientOf().waitTask(UPID))).forbidden).toMatchObject({
      path: '/storage/local',
      privileges: ['Datastore.AllocateSpace'],
    });
  });

  it('tells the log as it grows, each line once', async () => {
    const lines: string[] = [];
    const told: string[] = [];
    harness.server.reply = (request) => {
      if (request.path.endsWith('/log')) return logOf(lines, request);
      lines.push(`line ${lines.length + 1}`);
      return lines.length < 4 ? running : stopped('OK');
    };
    await harness.clientOf().waitTask(UPID, { onLog: (line) => told.push(line) });
    expect(told).toEqual(['line 1', 'line 2', 'line 3', 'line 4']);
  });

  it('"no such task" right after its start is waited over, later it is an error', async () => {
    const missing = failed('Parameter verification failed.', 400, { upid: 'no such task' });
    task([missing, missing, running, stopped('OK')]);
    expect((await harness.clientOf().waitTask(UPID)).exitStatus).toBe('OK');
    task([missing]);
    const start = harness.clock.now();
    const error = await failure(harness.clientOf().waitTask(UPID));
    expect([error.status, error.isMissing]).toEqual([400, true]);
    expect(harness.clock.now() - start).toBeGreaterThan(10_000);
  });

  it('a node out of reach for a while does not lose the task', async () => {
    const dead: Reply = { status: 595, reason: 'No route to host', body: '' };
    task([running, dead, dead, dead, 'break', 'break', 'break', stopped('OK')]);
    expect((await harness.clientOf().waitTask(UPID)).exitStatus).toBe('OK');
    task([running, dead]);
    expect((await failure(harness.clientOf().waitTask(UPID, { unreachableMs: 5_000 }))).kind).toBe(
      'unreachable',
    );
  });

  it('has an end', async () => {
    task([running]);
    const error = await failure(harness.clientOf().waitTask(UPID, { taskTimeoutMs: 60_000 }));
    expect([error.kind, error.outcomeUnknown]).toEqual(['timeout', true]);
    expect(harness.clock.now()).toBeLessThanOrEqual(60_000);
    expect(harness.clock.slept.length).toBeLessThan(90);
  });
});

describe('HA', () => {
  const service = (state: string, node = 'pve1') =>
    ok([
      { type: 'quorum', id: 'quorum', status: 'OK', quorate: 1, node: 'pve1' },
      {
        type: 'service',
        id: 'service:ct:101',
        sid: 'ct:101',
        state,
        crm_state: 'started',
        node,
        request_state: 'started',
      },
    ]);

  it('a start is only requested; the state says when it is done, and where', async () => {
    const ha = UPID.replace('vzstart', 'hastart');
    task([stopped('OK')], [], ha);
    const client = harness.clientOf();
    expect((await client.run('POST', '/nodes/pve1/lxc/101/status/start'))?.onlyRequested).toBe(true);
    const states = [
      service('queued'),
      'break',
      service('starting'),
      service('started'),
      service('started', 'pve2'),
    ] as const;
    let polls = 0;
    harness.server.reply = () => states[Math.min(polls++, states.length - 1)]!;
    const told: string[] = [];
    const end = await client.waitHa('ct:101', {
      state: 'started',
      node: 'pve2',
      onState: (seen) => told.push(`${seen?.state}@${seen?.node}`),
    });
    expect(end).toEqual({ sid: 'ct:101', node: 'pve2', state: 'started', requestState: 'started' });
    expect(told).toEqual(['queued@pve1', 'starting@pve1', 'started@pve1', 'started@pve2']);
  });

  it('reads the recorded status', async () => {
    harness.server.reply = () => ({ body: exchange('ha status').body });
    expect(await harness.clientOf().haServices()).toEqual([
      { sid: 'ct:101', node: 'pve1', state: 'queued', requestState: 'stopped' },
    ]);
  });

  it('error ends the waiting, and time does', async () => {
    harness.server.reply = () => service('error');
    expect((await failure(harness.clientOf().waitHa('ct:101', { state: 'started' }))).message).toContain(
      '"disabled"',
    );
    harness.server.reply = () => service('fence');
    const error = await failure(
      harness.clientOf().waitHa('ct:101', { state: 'started', haTimeoutMs: 9_000 }),
    );
    expect([error.kind, error.reason]).toEqual(['ha', 'ct:101 is still fence on pve1, wanted started']);
    expect(
      (await failure(harness.clientOf().waitHa('ct:7', { state: 'started', haTimeoutMs: 1_000 }))).reason,
    ).toContain('is not managed');
  });
});

describe('upload', () => {
  async function withFile<T>(content: Buffer, run: (file: string) => Promise<T>): Promise<T> {
    const folder = await mkdtemp(join(tmpdir(), 'psa-upload-'));
    try {
      const file = join(folder, 'up_1.0_amd64.tar.zst');
      await writeFile(file, content);
      return await run(file);
    } finally {
      await rm(folder, { recursive: true });
    }
  }
  const target = { node: 'pve1', storage: 'local', content: 'vztmpl' } as const;

  it('sends the file as it is, after its fields, with its length, and tells how far it is', async () => {
    const content = Buffer.from(Array.from({ length: 1_000_000 }, (_, index) => (index * 7) % 251));
    const sha256 = createHash('sha256').update(content).digest('hex');
    const missing = failed('Parameter verification failed.', 400, { upid: 'no such task' });
    const { final, log } = exchange('upload vztmpl multipart').task!;
    task([missing, ok(final)], log, final.upid);
    const progress: number[] = [];
    const result = await withFile(content, (file) =>
      harness.clientOf({ schema: schema9 }).upload({
        ...target,
        file,
        sha256,
        onProgress: (sent, total) => {
          expect(total).toBe(content.length);
          progress.push(sent);
        },
      }),
    );
    expect(result.exitStatus).toBe('OK');
    const { headers, raw, path } = harness.server.received[0]!;
    expect(path).toBe('/nodes/pve1/storage/local/upload');
    expect([headers['content-length'], headers['transfer-encoding']]).toEqual([
      String(raw.length),
      undefined,
    ]);
    const form = await new Response(raw, {
      headers: { 'content-type': String(headers['content-type']) },
    }).formData();
    expect([...form.keys()]).toEqual(['content', 'checksum-algorithm', 'checksum', 'filename']);
    const file = form.get('filename') as File;
    expect([form.get('content'), form.get('checksum'), file.name]).toEqual([
      'vztmpl',
      sha256,
      'up_1.0_amd64.tar.zst',
    ]);
    expect(Buffer.from(await file.arrayBuffer()).equals(content)).toBe(true);
    expect(progress.at(-1)).toBe(content.length);
    expect([...progress].sort((a, b) => a - b)).toEqual(progress);
  });

  it('is sent once when the server dies, and refused names are its error', async () => {
    await withFile(Buffer.alloc(300_000), async (file) => {
      harness.server.reply = () => 'break';
      const error = await failure(harness.clientOf().upload({ ...target, file }));
      expect([error.kind, error.outcomeUnknown, harness.server.received.length]).toEqual([
        'network',
        true,
        1,
      ]);
      const one = exchange('upload bad name');
      harness.server.reply = () => ({ status: one.status!, reason: one.reason!, body: one.body });
      expect((await failure(harness.clientOf().upload({ ...target, file }))).fields).toEqual({
        filename: 'wrong file extension',
      });
    });
  });

  it('what the schema refuses is not sent', async () => {
    await withFile(Buffer.alloc(1), async (file) => {
      const client = harness.clientOf({ schema: schema9 });
      const error = await failure(client.upload({ ...target, content: 'rootdir' as 'vztmpl', file }));
      expect(Object.keys(error.fields)).toEqual(['content']);
      await expect(client.upload({ ...target, file, name: 'a"b' })).rejects.toThrow(TypeError);
    });
    expect(harness.server.received).toEqual([]);
  });
});
