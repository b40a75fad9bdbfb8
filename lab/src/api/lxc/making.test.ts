import { afterAll, beforeAll, expect, it } from 'vitest';
import { answerTables, OK, type Row } from '../answers.test-helper.ts';
import { ApiBench, ROOT } from '../bench.test-helper.ts';

const CAROL = 'PVEAPIToken=carol@pve!ci=carol';
const CONFIG = '/nodes/pve1/lxc/101/config';
const CARD = 'name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:01';
const tagRight = (tag: string) => `403 Permission check failed (/, Sys.Modify for modifying tag '${tag}')`;

let bench: ApiBench;
let backup: string;
beforeAll(async () => {
  bench = await ApiBench.open();
  bench.lab.access.addToken('carol@pve', 'ci', { privsep: false, secret: 'carol' });
  bench.lab.access.update(({ acl }) => {
    const rule = { type: 'user', ugid: 'carol@pve', propagate: true } as const;
    acl.push(
      { ...rule, path: '/vms', roleid: 'PVEVMAdmin' },
      { ...rule, path: '/sdn', roleid: 'PVESDNUser' },
    );
    acl.push({ ...rule, path: '/storage', roleid: 'PVEDatastoreAdmin' });
  });
  expect(await bench.create('pve1', 101, { net0: CARD })).toBe('OK');
  await bench.task('POST', '/nodes/pve1/lxc/101/status/start', {}, { as: ROOT });
  await bench.task('POST', '/nodes/pve1/vzdump', { vmid: 101, storage: 'local' }, { as: ROOT });
  const found = await bench.data<{ volid: string }[]>(
    ...(['GET', '/nodes/pve1/storage/local/content', { content: 'backup' }, { as: ROOT }] as const),
  );
  backup = found[0]!.volid;
});
afterAll(() => bench.close());

const tables: Readonly<Record<string, readonly Row[]>> = {
  'PVE::GuestHelpers: tags that are not for everyone': [
    [
      'PUT',
      '/cluster/options',
      { 'registered-tags': 'gold', 'user-tag-access': 'user-allow=list,user-allow-list=a;b' },
      OK,
    ],
    ['PUT', CONFIG, { tags: 'a;b' }, OK, null, CAROL],
    ['PUT', CONFIG, { tags: 'a;c' }, tagRight('c'), undefined, CAROL],
    ['PUT', CONFIG, { tags: 'a;b;gold' }, tagRight('gold'), undefined, CAROL],
    ['PUT', CONFIG, { tags: 'a;b;gold' }, OK, null],
    ['PUT', CONFIG, { delete: 'tags' }, tagRight('gold'), undefined, CAROL],
    ['PUT', '/cluster/options', { delete: 'registered-tags,user-tag-access' }, OK],
    ['PUT', CONFIG, { delete: 'tags' }, OK, null, CAROL],
  ],
  'PVE::LXC, update_net: a card in the place of another goes first': [
    [
      'PUT',
      CONFIG,
      { net0: CARD.replace('vmbr0', 'nobr0').replace(':01', ':02') },
      '400 Parameter verification failed.',
      { net0: "unable to hotplug net0: bridge 'nobr0' does not exist\n" },
    ],
    ['GET', CONFIG, { current: 1 }, OK, expect.not.objectContaining({ net0: expect.anything() }) as never],
    ['GET', CONFIG, {}, OK, { net0: expect.stringContaining('nobr0') }],
    ['PUT', CONFIG, { net0: CARD }, OK, null],
    ['GET', CONFIG, { current: 1 }, OK, { net0: expect.stringContaining('vmbr0') }],
  ],
};
answerTables(() => bench, tables);

it('a restore may not make a privileged container of an unprivileged one, and tells the HA manager', async () => {
  const restore = { ostemplate: backup, restore: 1, storage: 'shared' };
  const asked = (vmid: number, more: object) =>
    bench.task('POST', '/nodes/pve1/lxc', { vmid, ...restore, ...more }, { as: CAROL });
  expect(await asked(120, { unprivileged: 0 })).toBe(
    'unable to restore CT 120 - 403 Permission check failed (/, Sys.Modify)',
  );
  const managed = { vmid: 121, ...restore, 'ha-managed': 1 };
  expect(await bench.task('POST', '/nodes/pve1/lxc', managed, { as: ROOT })).toBe('OK');
  expect(bench.lab.ha.read().resources['ct:121']).toEqual({ state: 'stopped' });
});
