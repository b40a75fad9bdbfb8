import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiBench, ROOT } from './bench.test-helper.ts';

let bench: ApiBench;
beforeAll(async () => {
  bench = await ApiBench.open();
  bench.lab.access.update((data) => {
    data.users['anna@pve'] = { enable: true, expire: 0, groups: [], tokens: {} };
  });
  await bench.create('pve1', 101);
});
afterAll(() => bench.close());

describe('who asks', () => {
  it('shows a token or a ticket, else there is an empty answer', async () => {
    expect(await bench.ask('GET', '/version', {}, { as: null })).toEqual({
      ...{ status: 401, reason: 'No ticket', body: null },
    });
    const wrong = 'PVEAPIToken=psactl@pve!psactl=wrong';
    expect(await bench.said('GET', '/version', {}, { as: wrong })).toBe('401 Authentication failed!');
    expect(await bench.data('GET', '/version')).toMatchObject({ version: /^9\./ });
  });

  it('learns which routes there are only then', async () => {
    expect(await bench.said('GET', '/nope', {}, { as: null })).toBe('401 No ticket');
    expect(await bench.said('GET', '/nope')).toBe("501 Method 'GET /nope' not implemented");
    expect(await bench.said('DELETE', '/version')).toBe("501 Method 'DELETE /version' not implemented");
  });

  it('logs in with a password; changes need the token against forgery too', async () => {
    const params = { userid: 'bert@pve', password: 'correct horse' };
    await bench.data('POST', '/access/users', params, { as: ROOT });
    const login = { username: 'bert@pve', password: 'correct horse' };
    const ticket = await bench.data<{ ticket: string; CSRFPreventionToken: string }>(
      ...(['POST', '/access/ticket', login, { as: null }] as const),
    );
    const cookie = `PVEAuthCookie=${encodeURIComponent(ticket.ticket)}`;
    expect(await bench.said('GET', '/version', {}, { as: null, cookie })).toBe('200 OK');
    const tokenPath = '/access/users/bert@pve/token/cli';
    expect(await bench.said('POST', tokenPath, {}, { as: null, cookie })).toMatch(/^401 /);
    const csrf = ticket.CSRFPreventionToken;
    const made = await bench.data<{ value: string }>('POST', tokenPath, {}, { as: null, cookie, csrf });
    const as = `PVEAPIToken=bert@pve!cli=${made.value}`;
    expect(await bench.said('GET', '/version', {}, { as })).toBe('200 OK');
    expect(await bench.said('GET', '/version', {}, { as: null, cookie: `${cookie}x` })).toMatch(/^401 /);
    const renewed = { username: 'bert@pve', password: ticket.ticket };
    expect(await bench.said('POST', '/access/ticket', renewed, { as: null })).toBe('200 OK');
    const forged = { username: 'root@pam', password: ticket.ticket };
    expect(await bench.said('POST', '/access/ticket', forged, { as: null })).toBe(
      '401 authentication failure',
    );
  });
});

describe("psactl's token", () => {
  it('works on containers of its pool alone', async () => {
    expect(await bench.said('GET', '/nodes/pve1/lxc/101/config')).toBe('200 OK');
    await bench.lab.access.update((data) => {
      data.pools.other = { vms: [], storage: [] };
    });
    const outside = await bench.task(
      ...([
        'POST',
        '/nodes/pve1/lxc',
        {
          vmid: 102,
          ostemplate: 'shared:vztmpl/base-1.0.0.tar',
          rootfs: 'shared:1',
          unprivileged: 1,
          pool: 'other',
        },
        { as: ROOT },
      ] as const),
    );
    expect(outside).toBe('OK');
    expect(await bench.said('GET', '/nodes/pve1/lxc/102/config')).toBe(
      '403 Permission check failed (/vms/102, VM.Audit)',
    );
    expect(await bench.said('DELETE', '/nodes/pve1/lxc/102')).toBe(
      '403 Permission check failed (/vms/102, VM.Allocate)',
    );
    const listed = await bench.data<{ vmid: number }[]>('GET', '/cluster/resources', { type: 'vm' });
    expect(listed.map((one) => one.vmid)).toEqual([101]);
  });

  it.each([
    [{ unprivileged: 0 }, '403 Permission check failed (changing feature flags for privileged', false],
    [{ features: 'keyctl=1' }, '403 Permission check failed (changing feature flags (except nesting)', true],
    [{ hookscript: 'local:snippets/x.sh' }, '403 Permission check failed (changing the hookscript', true],
    [{ mp0: '/srv,mp=/srv' }, '403 Permission check failed (mount point type bind', true],
    [{ pool: 'other' }, '403 Permission check failed', true],
    [{ rootfs: 'nope:1' }, '403 Permission check failed (/storage/nope, Datastore.AllocateSpace)', true],
    [{ rootfs: 'local:1' }, '400 Parameter verification failed.', true],
  ])('may not create with %j', async (more, refusal, unprivileged) => {
    const params = {
      ...{ vmid: 110, ostemplate: 'shared:vztmpl/base-1.0.0.tar', rootfs: 'shared:1', pool: 'psa' },
      ...(unprivileged ? { unprivileged: 1 } : { features: 'nesting=1' }),
      ...more,
    };
    const said = await bench.said('POST', '/nodes/pve1/lxc', params);
    if (unprivileged) expect(said.slice(0, refusal.length)).toBe(refusal);
    else expect(said).toMatch(/^403 /);
    expect(bench.lab.guests.nodeOf(110)).toBeNull();
  });

  it('may do neither users nor rules', async () => {
    expect(await bench.said('POST', '/access/users', { userid: 'x@pve' })).toBe(
      '403 Permission check failed (/access/realm/pve, Realm.AllocateUser)',
    );
    expect(
      await bench.said('PUT', '/access/acl', { path: '/', roles: 'Administrator', users: 'psactl@pve' }),
    ).toBe('403 Permission check failed (/, Permissions.Modify)');
  });

  it('is told its rights', async () => {
    const rights = await bench.data<Record<string, Record<string, number>>>('GET', '/access/permissions');
    expect(rights['/pool/psa']).toMatchObject({ 'VM.Allocate': 1, 'Pool.Allocate': 1 });
    expect(rights['/']).toEqual({ 'Sys.Audit': 0, 'Sys.Console': 0, 'Sys.Modify': 0 });
    // A container that is gone is in no pool, and its backups are judged by its id.
    expect(rights['/vms']).toEqual({ 'VM.Backup': 1 });
  });

  it('sees the tasks of others as far as it may audit the node', async () => {
    expect((await bench.data<unknown[]>('GET', '/nodes/pve1/tasks')).length).toBeGreaterThanOrEqual(2);
    const value = bench.lab.access.addToken('anna@pve', 't', { privsep: false });
    const as = `PVEAPIToken=anna@pve!t=${value}`;
    expect(await bench.data('GET', '/nodes/pve1/tasks', {}, { as })).toEqual([]);
    const [mine] = await bench.data<{ upid: string }[]>('GET', '/nodes/pve1/tasks');
    const path = `/nodes/pve1/tasks/${encodeURIComponent(mine!.upid)}/log`;
    expect(await bench.said('GET', path, {}, { as })).toBe(
      '403 Permission check failed (/nodes/pve1, Sys.Audit)',
    );
  });
});

describe('pools', () => {
  it('are made, changed and removed by either path', async () => {
    expect(await bench.said('POST', '/pools', { poolid: 'psa' })).toMatch(
      /^500 create pool failed: pool 'psa' already/,
    );
    await bench.data('POST', '/pools', { poolid: 'third', comment: 'ü' }, { as: ROOT });
    expect(await bench.said('PUT', '/pools', { poolid: 'third', vms: '101' }, { as: ROOT })).toMatch(
      /^500 update pools failed: VM 101 belongs already to pool 'psa'/,
    );
    await bench.data('PUT', '/pools/third', { vms: '101', 'allow-move': 1 }, { as: ROOT });
    const [shown] = await bench.data<{ members: { vmid: number }[] }[]>(
      'GET',
      '/pools',
      { poolid: 'third' },
      { as: ROOT },
    );
    expect(shown?.members.map((one) => one.vmid)).toEqual([101]);
    expect(await bench.said('DELETE', '/pools/third', {}, { as: ROOT })).toMatch(
      /not empty \(contains VM 101\)$/,
    );
    await bench.data('PUT', '/pools', { poolid: 'psa', vms: '101', 'allow-move': 1 }, { as: ROOT });
    await bench.data('DELETE', '/pools', { poolid: 'third' }, { as: ROOT });
    expect(await bench.data('GET', '/pools')).toEqual([{ poolid: 'psa' }]);
  });
});
