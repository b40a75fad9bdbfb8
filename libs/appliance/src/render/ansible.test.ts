import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { example } from '../inventory/example.test-helper.ts';
import { renderAnsible } from './ansible.ts';
import { ANSIBLE, ansible, CORES, type Core, hostFor, quiet } from './ansible-host.test-helper.ts';
import { expectGoldens } from './golden.test-helper.ts';
import { run, written } from './run.test-helper.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Both releases of ansible-core and both rounds, or the first round of the newest alone: a round takes half a minute. */
    allOfAnsible: boolean;
  }
}
const ALL = inject('allOfAnsible');

describe('the Proxmox hosts', () => {
  it('follow from the example inventory', async () => {
    await expectGoldens('ansible/golden', renderAnsible(example()));
  });

  it('are hosts that Ansible can read, with an address and what the playbooks want to know', () => {
    const folder = written(renderAnsible(example()));
    const listed = ansible(
      CORES[0]!,
      'inventory',
      ['-i', `${folder}/inventory.yml`, '--host', 'pve2'],
      folder,
    );
    expect(listed.code, listed.output).toBe(0);
    expect(JSON.parse(listed.output)).toMatchObject({
      ansible_host: '10.0.10.12',
      ansible_ssh_private_key_file: '~/.ssh/psactl',
      psa_cluster: 'psa',
      psa_time_server: '10.0.10.1',
      psa_subscription: false,
      psa_token_file: '~/.config/psactl/main.token',
    });
  });

  it('have playbooks that ansible-lint passes', () => {
    const linted = run('ansible-lint', ['--offline', '--strict', '--nocolor'], {
      debian: 'ansible-lint',
      cwd: ANSIBLE,
      env: quiet(written([])),
    });
    expect(linted.code, linted.output).toBe(0);
  }, 120_000);

  it('have bridges for exactly the VLANs, and an address in the management VLAN', () => {
    const inventory = example();
    inventory.vlans[4]!.bridge = 'vmbr1';
    inventory.sites[0]!.nodes[0]!.bridges = { vmbr0: 'eno1', vmbr1: 'eno2' };
    const file = renderAnsible(inventory).find((one) => one.path === 'files/pve1/interfaces')!;
    expect(file.text).toMatch(
      /iface vmbr0 inet manual\n {4}bridge-ports eno1\n[^#]*bridge-vids 10 20 30 40\n/,
    );
    expect(file.text).toMatch(/iface vmbr1 inet manual\n {4}bridge-ports eno2\n[^#]*bridge-vids 50\n/);
    expect(file.text).toMatch(
      /iface vmbr0\.10 inet static\n {4}address 10\.0\.10\.11\/24\n {4}gateway 10\.0\.10\.1\n/,
    );
  });

  it('leave to people the storage that opens with a password', () => {
    const inventory = example();
    const common = { shared: true, content: ['backup' as const], server: '10.0.10.5' };
    inventory.sites[0]!.storages.push(
      { name: 'vault', type: 'pbs', ...common, datastore: 'psa', username: 'psa@pbs' },
      { name: 'lun', type: 'lvm', shared: true, content: ['rootdir'], pool: 'san' },
    );
    const { text } = renderAnsible(inventory)[0]!;
    expect(text).toMatch(/name: vault\n +type: pbs\n +by_hand: true\n[^#]*?- --username\n +- psa@pbs\n/);
    expect(text).toMatch(
      /name: lun\n +type: lvm\n +content:\n +- rootdir\n +arguments:\n +- --vgname\n +- san\n/,
    );
  });

  it('hold no secret', () => {
    const text = renderAnsible(example())
      .map((file) => file.text)
      .join('\n');
    expect(text).not.toMatch(/PRIVATE KEY|password|[0-9a-f]{8}-[0-9a-f]{4}-/i);
  });
});

describe.each(ALL ? CORES : CORES.slice(-1))('the playbooks on ansible-core $name', (core: Core) => {
  it(`make a cluster of two fresh hosts${ALL ? ', and a second round, on the newest, does only what is new' : ''}`, () => {
    const host = hostFor(written(renderAnsible(example())));
    const [keys, token] = [join(host.home, 'keys'), join(host.home, 'made/later/main.token')];
    writeFileSync(keys, 'ssh-ed25519 AAAAC3Nz admin\n');
    const files = ['-e', `psa_authorized_keys_file=${keys}`, '-e', `psa_token_file=${token}`];
    // Before anything else: nobody is locked out, and it says what is missing.
    const none = ['-e', `psa_authorized_keys_file=${keys}.none`];
    expect(host.playbook(core, 'playbooks/access.yml', ...none).output).toMatch(
      /keys\.none is not there or has no public key/,
    );

    const first = host.playbook(core, 'site.yml', ...files);
    expect(first.code, first.output).toBe(0);
    expect(readFileSync(token, 'utf8')).toBe('psactl@pve!psactl=11111111-2222-3333-4444-555555555555\n');
    expect(statSync(token).mode & 0o777).toBe(0o600);
    const calls = host.calls();
    const of = (program: string) => calls.filter((call) => call.startsWith(program));
    expect(of('pvecm')).toEqual([
      'pvecm create psa --link0 10.0.10.11',
      'pvecm add 10.0.10.11 --use_ssh --link0 10.0.10.12',
    ]);
    expect(of('pvesm')).toContain(
      'pvesm add nfs shared --content rootdir,vztmpl --server 10.0.50.10 --export /volume/psa --options vers=4.2',
    );
    expect(of('pveum acl').filter((call) => call.includes('--tokens'))).toEqual(
      [
        '/ --tokens psactl@pve!psactl --roles PSACluster --propagate 0',
        '/nodes --tokens psactl@pve!psactl --roles PSANodes --propagate 1',
        '/pool/psa --tokens psactl@pve!psactl --roles PSAContainers --propagate 1',
        '/sdn/zones/localnetwork --tokens psactl@pve!psactl --roles PSANetwork --propagate 1',
        ...['local', 'local-lvm', 'nas', 'shared'].map(
          (storage) => `/storage/${storage} --tokens psactl@pve!psactl --roles PSAStorage --propagate 1`,
        ),
        '/vms --tokens psactl@pve!psactl --roles PSABackups --propagate 1',
      ].map((rest) => `pveum acl modify ${rest}`),
    );
    expect(of('pveum acl')).toHaveLength(2 * 9);
    expect(host.read('etc/apt/sources.list.d/proxmox.sources')).toContain(
      'Components: pve-no-subscription\n',
    );
    expect(host.read('etc/hosts')).toContain('10.0.10.12 pve2.psa.internal pve2\n');
    expect(host.read('root/.ssh/authorized_keys')).toContain('ssh-ed25519 AAAAC3Nz admin\n');

    if (!ALL || core !== CORES.at(-1)) return;
    // A second round does only what is new: the view of all guests, given when it is asked for. On one core alone: there
    // is nothing in it that the first round did not show of the other, and each playbook takes ten seconds.
    const audit = host.playbook(
      core,
      ...['playbooks/storage.yml', 'playbooks/token.yml', ...files, '-e', 'psa_audit_all=true'],
    );
    expect(audit.code, audit.output).toBe(0);
    expect(
      host
        .calls()
        .slice(calls.length)
        .filter((call) => !call.startsWith('pvesm set')),
    ).toEqual([
      'pveum acl modify /vms --users psactl@pve --roles PSAAuditor --propagate 1',
      'pveum acl modify /vms --tokens psactl@pve!psactl --roles PSAAuditor --propagate 1',
    ]);

    // Without it, it is taken back. And the secret of a token is not to be had again.
    rmSync(token);
    const lost = host.playbook(core, 'playbooks/token.yml', ...files);
    expect(lost.output).toContain('its secret is shown only once');
    writeFileSync(token, 'psactl@pve!psactl=x\n');
    const back = host.playbook(core, 'playbooks/token.yml', ...files);
    expect(back.code, back.output).toBe(0);
    expect(host.calls().slice(-2)).toEqual([
      'pveum acl delete /vms --users psactl@pve --roles PSAAuditor',
      'pveum acl delete /vms --tokens psactl@pve!psactl --roles PSAAuditor',
    ]);
  }, 600_000);
});
