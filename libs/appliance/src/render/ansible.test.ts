import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { example } from '../inventory/example.test-helper.ts';
import { renderAnsible } from './ansible.ts';
import { expectGoldens } from './golden.test-helper.ts';
import { run, written } from './run.test-helper.ts';

const ANSIBLE = fileURLToPath(new URL('../../../../ansible', import.meta.url));

/** What Ansible may write while a test runs stands in a folder of the test. */
function quiet() {
  const folder = written([]);
  return {
    HOME: folder,
    XDG_CACHE_HOME: folder,
    ANSIBLE_HOME: folder,
    ANSIBLE_LOCAL_TEMP: folder,
    ANSIBLE_CONFIG: `${ANSIBLE}/ansible.cfg`,
    NO_COLOR: '1',
    PY_COLORS: '0',
  };
}

describe('the Proxmox hosts', () => {
  it('follow from the example inventory', async () => {
    await expectGoldens('ansible/golden', renderAnsible(example()));
  });

  it('are hosts that Ansible can read, with an address and what the playbooks want to know', () => {
    const folder = written(renderAnsible(example()));
    const listed = run('ansible-inventory', ['-i', `${folder}/inventory.yml`, '--host', 'pve2'], {
      debian: 'ansible-core',
      env: quiet(),
    });
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

  it('have playbooks whose syntax holds', () => {
    const checked = run('ansible-playbook', ['--syntax-check', 'site.yml'], {
      debian: 'ansible-core',
      cwd: ANSIBLE,
      env: quiet(),
    });
    expect(checked.code, checked.output).toBe(0);
  });

  it('have playbooks that ansible-lint passes', () => {
    const linted = run('ansible-lint', ['--offline', '--strict', '--nocolor'], {
      debian: 'ansible-lint',
      cwd: ANSIBLE,
      env: quiet(),
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

  it('hold no secret', () => {
    const text = renderAnsible(example())
      .map((file) => file.text)
      .join('\n');
    expect(text).not.toMatch(/PRIVATE KEY|password|[0-9a-f]{8}-[0-9a-f]{4}-/i);
  });
});
