import { type AddressInfo, createServer } from 'node:net';
import { inspect } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import { exchange, exchanges, schema9 } from '../golden.test-helper.ts';
import { apiPath } from './encode.ts';
import { failure, SECRET, useHarness } from './harness.test-helper.ts';
import { failed, ok, type PveServer, recorded, type TestClock } from './pve-server.test-helper.ts';

const harness = useHarness();
const { at, clientOf } = harness;
let server: PveServer;
let second: PveServer;
let clock: TestClock;
beforeEach(() => {
  ({ server, second, clock } = harness);
});

describe('recorded answers', () => {
  it('come through as they were: the data, or status, reason and fields', async () => {
    const client = clientOf({ attempts: 1 });
    const answered = exchanges.filter((one) => one.status !== undefined);
    expect(answered.length).toBeGreaterThan(190);
    for (const one of answered) {
      server.reply = () => recorded(one);
      const call = client.request(one.method, one.path, one.params ?? {});
      if (one.status === 200) {
        expect(await call).toEqual((one.body as { data: unknown }).data);
        continue;
      }
      const error = await failure(call);
      expect([error.status, error.reason, error.method]).toEqual([one.status, one.reason, one.method]);
      expect(error.fields).toEqual((one.body as { errors?: object }).errors ?? {});
      expect(error.message).toContain(`Unable to ${one.method} ${one.path}: ${one.reason}`);
    }
  });

  it('say what they mean', async () => {
    const client = clientOf();
    const of = async (name: string) => {
      const one = exchange(name);
      server.reply = () => recorded(one);
      return failure(client.request(one.method, one.path, one.params ?? {}));
    };
    expect((await of('config wrong digest')).isStaleDigest).toBe(true);
    expect((await of('ct on wrong node')).isMissing).toBe(true);
    expect((await of('delete while locked')).kind).toBe('locked');
    expect((await of('noauth')).kind).toBe('unauthorised');
    expect((await of('create password short')).fields).toEqual({
      password: 'value must be at least 5 characters long',
    });
    expect((await of('dead node: start')).kind).toBe('unreachable');
  });

  it('what the token may not is an answer of its own, never a thing that is missing', async () => {
    const of = async (reason: string, status = 403) => {
      server.reply = () => failed(reason, status);
      return failure(clientOf().request('GET', '/nodes/pve1/lxc/999/config'));
    };
    const unseen = await of('Permission check failed (/vms/999, VM.Audit)');
    expect(unseen).toMatchObject({ kind: 'forbidden', isForbidden: true, isMissing: false });
    expect(unseen.forbidden).toEqual({
      path: '/vms/999',
      privileges: ['VM.Audit'],
      detail: '/vms/999, VM.Audit',
    });
    expect(unseen.message).toContain('The token has no VM.Audit on /vms/999');
    const either = await of('Permission check failed (/vms/200, VM.Config.Disk|VM.Config.Options)');
    expect(either.forbidden).toMatchObject({ privileges: ['VM.Config.Disk', 'VM.Config.Options'] });
    // The words of the missing stand in it; what is meant is that the token may not.
    const pool = await of("Permission check failed (pool 'nope' does not exist)");
    expect(pool).toMatchObject({ isForbidden: true, isMissing: false, forbidden: { path: null } });
    const root = await of(
      'Permission check failed (changing feature flags (except nesting) is only allowed for root@pam)',
    );
    expect(root.forbidden?.detail).toBe(
      'changing feature flags (except nesting) is only allowed for root@pam',
    );
    // PUT /pools says it with 500.
    expect(
      await of(
        'update pools failed: 403 Permission check failed (/vms/7916, Permissions.Modify|VM.Allocate)',
        500,
      ),
    ).toMatchObject({ kind: 'forbidden', forbidden: { path: '/vms/7916' } });
    expect((await of('Permission check failed')).forbidden).toEqual({
      path: null,
      privileges: [],
      detail: '',
    });
    const missing = await of("Configuration file 'nodes/pve1/lxc/999.conf' does not exist", 500);
    expect(missing).toMatchObject({
      kind: 'refused',
      isForbidden: false,
      isMissing: true,
      forbidden: null,
    });
  });

  it('a parameter error that comes as 500 is known for what it is', async () => {
    server.reply = () => failed('400 Parameter verification failed.');
    expect((await failure(clientOf().request('POST', '/cluster/backup'))).meantStatus).toBe(400);
    server.reply = () => failed("create ha rule failed: 400 Rule 'x' is invalid.");
    expect((await failure(clientOf().request('POST', '/cluster/ha/rules'))).meantStatus).toBe(400);
    server.reply = () => failed("unable to open file '/x/400 Things' - no");
    expect((await failure(clientOf().request('POST', '/cluster/ha/rules'))).meantStatus).toBe(500);
  });

  it('a status page of something else is no success', async () => {
    server.reply = () => ({ status: 200, body: '<html>' });
    expect((await failure(clientOf().request('POST', '/pools'))).outcomeUnknown).toBe(true);
  });
});

describe('what is sent', () => {
  it('path, form, booleans as 1 and 0, lists joined, the token', async () => {
    server.reply = () => ok(null);
    const client = clientOf({ schema: schema9 });
    await client.request('PUT', '/nodes/pve1/lxc/101/config', {
      ...{ onboot: true, protection: false, memory: 512 },
    });
    const volume = 'shared:backup/vzdump-lxc-101-2026_11_21-09_55_54.tar';
    await client.request('PUT', apiPath`/nodes/pve1/storage/shared/content/${volume}`, { notes: 'ü & =' });
    await client.request('POST', '/nodes/pve1/vzdump', {
      vmid: [101, 102],
      'exclude-path': ['/a', '/b'],
      pool: null,
    });
    const [put, notes, dump] = server.received;
    expect([put!.method, put!.path, put!.raw.toString()]).toEqual([
      'PUT',
      '/nodes/pve1/lxc/101/config',
      'onboot=1&protection=0&memory=512',
    ]);
    expect(put!.headers.authorization).toBe(`PVEAPIToken=root@pam!full=${SECRET}`);
    expect(notes!.path).toBe(apiPath`/nodes/pve1/storage/shared/content/${volume}`);
    expect(notes!.form.get('notes')).toBe(Buffer.from('ü & =').toString());
    expect([dump!.form.getAll('vmid'), dump!.form.getAll('exclude-path')]).toEqual([
      ['101,102'],
      ['/a', '/b'],
    ]);
    expect(dump!.form.has('pool')).toBe(false);
  });

  it('reads and deletes carry their parameters in the query', async () => {
    server.reply = () => ok([]);
    await clientOf().request('DELETE', '/nodes/pve1/lxc/101', { purge: true });
    await clientOf().request('GET', '/nodes/pve1/tasks?limit=1', { errors: 1 });
    expect(server.received.map((one) => [one.query.toString(), one.raw.length])).toEqual([
      ['purge=1', 0],
      ['limit=1&errors=1', 0],
    ]);
  });

  it('a request that the schema refuses is not', async () => {
    const client = clientOf({ schema: schema9 });
    const error = await failure(
      client.request('POST', '/nodes/pve1/lxc', { vmid: 99, ostemplate: 'x', password: 'hunter22', iops: 1 }),
    );
    expect([error.kind, error.status]).toEqual(['invalid', undefined]);
    expect(Object.keys(error.fields)).toEqual(['vmid', 'iops']);
    expect((await failure(client.request('POST', '/nodes/pve1/lxc/101/exec'))).kind).toBe('invalid');
    expect(server.received).toEqual([]);
  });
});

describe('secrets', () => {
  it('stand in no error, no report and no dump of the client', async () => {
    const seen: unknown[] = [];
    server.reply = () =>
      failed(`bad PVEAPIToken=root@pam!full=${SECRET} and hunter22`, 400, { password: "got 'hunter22'" });
    const client = clientOf({ onExchange: (report) => seen.push(report) });
    const error = await failure(client.request('POST', `/x/${SECRET}`, { password: 'hunter22', vmid: 1 }));
    const text = inspect([error, error.stack, JSON.stringify(error), client, seen], {
      depth: 9,
      showHidden: true,
    });
    expect(text).toContain('***');
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain('hunter22');
    expect(seen).toHaveLength(1);
  });
});

describe('when the connection breaks', () => {
  it('a read is tried again, with growing pauses', async () => {
    server.reply = (_, nth) => (nth < 3 ? 'break' : ok('there'));
    expect(await clientOf().request('GET', '/version')).toBe('there');
    expect(server.received).toHaveLength(3);
    expect(clock.slept).toEqual([187.5, 375]);
  });

  it('a read ends after its attempts', async () => {
    server.reply = () => 'break';
    const error = await failure(clientOf({ attempts: 4 }).request('GET', '/version'));
    expect([error.kind, error.outcomeUnknown]).toEqual(['network', false]);
    expect(server.received).toHaveLength(4);
  });

  it('within the answer is no other case', async () => {
    server.reply = (_, nth) => (nth < 2 ? 'half' : ok('whole'));
    expect(await clientOf().request('GET', '/version')).toBe('whole');
  });

  it.each([
    ['POST', 'break'],
    ['PUT', 'break'],
    ['DELETE', 'break'],
    ['POST', 'half'],
  ] as const)('a %s is sent once, and its outcome unknown (%s)', async (method, reply) => {
    server.reply = () => reply;
    second.reply = () => ok('twice');
    const error = await failure(
      clientOf({ endpoints: [at(server), at(second)] }).request(method, '/nodes/pve1/lxc', { vmid: 101 }),
    );
    expect([error.kind, error.outcomeUnknown]).toEqual(['network', true]);
    expect(error.message).toContain('it may have happened all the same');
    expect([server.received.length, second.received.length]).toEqual([1, 0]);
  });

  it('a write after a pause does not fail over a connection that the server has closed', async () => {
    server.reply = () => ok(1);
    const client = clientOf();
    await client.request('GET', '/version');
    await client.request('POST', '/pools', { poolid: 'a' });
    expect(server.received.map((one) => one.headers.connection)).toEqual(['keep-alive', 'close']);
  });

  it('no answer in time is an error; a write is not sent again', async () => {
    server.reply = () => 'silence';
    const client = clientOf({ timeoutMs: 1_500 });
    const write = await failure(client.request('POST', '/pools', { poolid: 'a' }));
    expect([write.kind, write.outcomeUnknown]).toEqual(['timeout', true]);
    expect(server.received).toHaveLength(1);
    const read = await failure(client.request('GET', '/pools'));
    expect([read.kind, read.outcomeUnknown]).toEqual(['timeout', false]);
    expect(server.received).toHaveLength(4);
  });

  it('an abort ends it at once', async () => {
    const abort = new AbortController();
    server.reply = () => {
      abort.abort();
      return 'silence';
    };
    const error = await failure(clientOf().request('GET', '/version', {}, { signal: abort.signal }));
    expect(error.kind).toBe('aborted');
    expect(server.received).toHaveLength(1);
  });
});

describe('three endpoints', () => {
  it('a dead one is passed over for a while, writes included: nothing was sent to it', async () => {
    const dead = { host: '127.0.0.1', port: server.port };
    await server.stop();
    second.reply = () => ok('second');
    const tried: [string, number | null][] = [];
    const client = clientOf({
      endpoints: [dead, at(second)],
      onExchange: ({ endpoint, status }) =>
        tried.push([endpoint.endsWith(`:${dead.port}`) ? 'dead' : 'live', status]),
    });
    expect(await client.request('POST', '/pools', { poolid: 'a' })).toBe('second');
    expect(await client.request('GET', '/version')).toBe('second');
    expect(tried).toEqual([
      ['dead', null],
      ['live', 200],
      ['live', 200],
    ]);
  });

  it('one that dies in the handshake got nothing', async () => {
    const dying = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => dying.listen(0, '127.0.0.1', resolve));
    const { port } = dying.address() as AddressInfo;
    second.reply = () => ok('second');
    const client = clientOf({ endpoints: [{ host: '127.0.0.1', port }, at(second)] });
    expect(await client.request('POST', '/pools', { poolid: 'a' })).toBe('second');
    await new Promise((resolve) => dying.close(resolve));
  });

  it('one that came back is used again for what concerns its node', async () => {
    server.reply = (_, nth) => (nth === 1 ? 'break' : ok('one'));
    second.reply = () => ok('two');
    const client = clientOf({ endpoints: [at(server, 'pve1'), at(second, 'pve2')] });
    expect(await client.request('GET', '/nodes/pve1/status')).toBe('two');
    expect(await client.request('GET', '/nodes/pve1/status')).toBe('two');
    clock.advance(30_001);
    expect(await client.request('GET', '/nodes/pve1/status')).toBe('one');
    expect(await client.request('GET', '/nodes/pve2/status')).toBe('two');
  });

  it('none answers: says so', async () => {
    const dead = { host: '127.0.0.1', port: server.port };
    await server.stop();
    const error = await failure(clientOf({ endpoints: [dead] }).request('POST', '/pools', { poolid: 'a' }));
    expect([error.kind, error.outcomeUnknown]).toEqual(['network', false]);
    expect(error.reason).toMatch(/no node of the cluster answers: .*ECONNREFUSED/);
  });

  it('595: a read asks another node once, a write is not repeated', async () => {
    server.reply = () => recorded(exchange('dead node: lxc list'));
    second.reply = () => recorded(exchange('dead node: lxc list'));
    const client = clientOf({ endpoints: [at(server, 'pve1'), at(second, 'pve2')] });
    const read = await failure(client.request('GET', '/nodes/pve3/lxc'));
    expect([read.kind, read.status, read.reason]).toEqual(['unreachable', 595, 'No route to host']);
    expect([server.received.length, second.received.length]).toEqual([1, 1]);
    const write = await failure(client.request('POST', '/nodes/pve3/lxc/150/status/start'));
    expect([write.kind, write.outcomeUnknown]).toEqual(['unreachable', false]);
    expect(server.received.length + second.received.length).toBe(3);
  });
});

describe('locks', () => {
  const flock = "can't lock file '/run/lock/lxc/pve-config-101.lock' - got timeout";

  it('are waited for, within the bound', async () => {
    server.reply = (_, nth) => (nth < 3 ? failed(flock) : ok(null));
    await clientOf({ lockWaitMs: 20_000 }).request('PUT', '/nodes/pve1/lxc/101/config', { memory: 512 });
    expect(server.received).toHaveLength(3);
    expect(clock.slept).toHaveLength(2);
  });

  it('that stay are an error with what to do', async () => {
    server.reply = () => recorded(exchange('delete while locked'));
    const error = await failure(clientOf({ lockWaitMs: 20_000 }).request('DELETE', '/nodes/pve1/lxc/101'));
    expect([error.kind, error.reason]).toEqual(['locked', 'CT is locked (backup)']);
    expect(error.hint).toContain('pct unlock');
    expect(clock.now()).toBeLessThanOrEqual(20_000);
    expect(server.received.length).toBeGreaterThan(3);
  });

  it('lack of quorum is no lock', async () => {
    server.reply = () => failed("cfs-lock 'domain-ha' error: no quorum!");
    const error = await failure(clientOf({ lockWaitMs: 20_000 }).request('POST', '/cluster/ha/resources'));
    expect([error.kind, error.isNoQuorum, server.received.length]).toEqual(['refused', true, 1]);
  });
});
