import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Access, type AclRule } from './access.ts';
import { ClusterFiles } from './cluster-files.ts';

let folder: string;
let access: Access;
const TOKEN = 'ops@pve!psactl';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'psa-access-'));
  access = new Access(new ClusterFiles(folder));
  access.addToken('ops@pve', 'psactl', { privsep: true, secret: 'secret' });
});
afterEach(() => rmSync(folder, { recursive: true }));

const rule = (ugid: string, path: string, roleid: string, propagate = true): AclRule => ({
  ...{ path, ugid, roleid, propagate, type: ugid.includes('!') ? 'token' : 'user' },
});
const grant = (...rules: AclRule[]) => access.update((data) => data.acl.push(...rules));
const may = (id: string, path: string, right: string) => access.rights(id, path).has(right);

describe('rights', () => {
  it('of a token need a rule for it and one for its user', () => {
    grant(rule(TOKEN, '/vms', 'PVEVMAdmin'));
    expect(may(TOKEN, '/vms/101', 'VM.Allocate')).toBe(false);
    grant(rule('ops@pve', '/', 'PVEAuditor'));
    expect(may(TOKEN, '/vms/101', 'VM.Allocate')).toBe(false);
    expect(may(TOKEN, '/vms/101', 'VM.Audit')).toBe(true);
  });

  it('of a token without rights of its own are those of its user', () => {
    access.addToken('ops@pve', 'all', { privsep: false });
    grant(rule('ops@pve', '/vms', 'PVEVMUser'));
    expect(may('ops@pve!all', '/vms/101', 'VM.PowerMgmt')).toBe(true);
    expect(may('ops@pve!none', '/vms/101', 'VM.PowerMgmt')).toBe(false);
  });

  it('go down to what is below, unless the rule is for its path alone', () => {
    grant(rule('ops@pve', '/', 'PVEAuditor', false), rule('ops@pve', '/nodes', 'PVEAuditor'));
    expect(may('ops@pve', '/', 'Sys.Audit')).toBe(true);
    expect(may('ops@pve', '/storage/local', 'Datastore.Audit')).toBe(false);
    expect(may('ops@pve', '/nodes/pve1', 'Sys.Audit')).toBe(true);
  });

  it('are replaced by a rule nearer to the path, and taken away by NoAccess', () => {
    grant(rule('ops@pve', '/vms', 'PVEVMAdmin'), rule('ops@pve', '/vms/101', 'PVEAuditor'));
    expect(may('ops@pve', '/vms/101', 'VM.Allocate')).toBe(false);
    expect(may('ops@pve', '/vms/101', 'VM.Audit')).toBe(true);
    grant(rule('ops@pve', '/vms/102', 'NoAccess'), rule('ops@pve', '/vms/102', 'PVEVMAdmin'));
    expect(access.rights('ops@pve', '/vms/102').size).toBe(0);
  });

  it('on a guest come from its pool, too', () => {
    access.update((data) => {
      data.pools.psa = { vms: [101], storage: [] };
    });
    grant(rule('ops@pve', '/pool/psa', 'PVEVMAdmin'));
    expect(may('ops@pve', '/vms/101', 'VM.Allocate')).toBe(true);
    expect(may('ops@pve', '/vms/102', 'VM.Allocate')).toBe(false);
  });
});

describe('secrets', () => {
  it('are known to their owner alone', () => {
    expect(access.isToken(TOKEN, 'secret')).toBe(true);
    expect(access.isToken(TOKEN, 'Secret')).toBe(false);
    expect(access.isToken('ops@pve!other', 'secret')).toBe(false);
    expect(JSON.stringify(access.read())).not.toContain('secret"');
  });

  it('hold as long as their user does', () => {
    access.update((data) => {
      data.users['ops@pve'] = { ...data.users['ops@pve']!, enable: false };
    });
    expect(access.isToken(TOKEN, 'secret')).toBe(false);
  });
});
