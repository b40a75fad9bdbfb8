import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { run } from './run.test-helper.ts';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
export const ANSIBLE = join(ROOT, 'ansible');

/** A release of ansible-core: where its Python stands; null is the one that Debian has. */
export interface Core {
  readonly name: string;
  readonly folder: string | null;
}

/** Debian 12's own (2.14), and the one that brought typed values (scripts/setup.mjs puts it there). */
export const CORES: readonly Core[] = [
  { name: 'of Debian', folder: null },
  { name: '2.19', folder: join(ROOT, 'node_modules/.cache/ansible-core-2.19') },
];

/** What Ansible may write while a test runs stands in a folder of the test. */
export function quiet(folder: string): Readonly<Record<string, string>> {
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

/** Runs a command of Ansible (`playbook`, `inventory`) of a release. */
export function ansible(core: Core, command: string, args: readonly string[], folder: string) {
  return run(...argvOf(core, command, args), {
    debian: 'ansible-core',
    cwd: ANSIBLE,
    env: envOf(core, folder),
  });
}

function argvOf({ folder }: Core, command: string, args: readonly string[]): [string, string[]] {
  if (folder === null) return [`ansible-${command}`, [...args]];
  if (!existsSync(folder)) throw new Error(`There is no ${folder}: "npm test" puts ansible-core there.`);
  return ['/usr/bin/python3', ['-m', 'ansible', command, ...args]];
}

const envOf = ({ folder }: Core, home: string) => ({
  ...quiet(home),
  ...(folder === null ? {} : { PYTHONPATH: folder }),
});

/** Answers that nothing had to be done, in place of a module that would change the machine. */
const MODULE = `#!/usr/bin/python3
import json
print(json.dumps({"changed": False}))
`;
const ACTION = `from ansible.plugins.action import ActionBase
class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        return {"changed": False}
`;

/**
 * Programs of Proxmox VE, as far as the playbooks use them. What was done stands in $STATE: \`calls\` has every changing
 * call, the files beside it what there is.
 */
const PROGRAMS: Readonly<Record<string, string>> = {
  pveum: `case "$1 $2" in
"user token") if [ "$3" = list ]; then json tokens; exit; fi
  add tokens '{"tokenid":"'"$5"'"}'; echo '{"value":"11111111-2222-3333-4444-555555555555"}';;
"role add") add roles '{"roleid":"'"$3"'","privs":"'"$5"'"}';;
"user add") add users '{"userid":"'"$3"'"}';;
"pool add") add pools '{"poolid":"'"$3"'"}';;
"acl modify") add acl '{"path":"'"$3"'","ugid":"'"$5"'","roleid":"'"$7"'","propagate":"'"$9"'"}';;
"acl delete") sed -i '\\#"path":"'"$3"'","ugid":"'"$5"'","roleid":"'"$7"'"#d' "$STATE/acl";;
"role modify") sed -i '\\#"roleid":"'"$3"'"#d' "$STATE/roles"; add roles '{"roleid":"'"$3"'","privs":"'"$5"'"}';;
*) exit 9;;
esac
log "$@"`,
  pvesh: `[ "$1" = get ] || exit 9
case "$2" in /access/roles) json roles;; /access/users) json users;; /pools) json pools;; /access/acl) json acl;; /storage) json storages;; *) exit 9;; esac`,
  pvesm: `case "$1" in
add) add storages '{"storage":"'"$3"'","type":"'"$2"'","content":"'"$5"'"}';;
set) exit 0;;
*) exit 9;;
esac
log "$@"`,
  // The first node makes the cluster, the other one is in it after "add".
  pvecm: `case "$1" in
create) touch "$STATE/made"; log "$@";;
add) touch /etc/pve/corosync.conf; log "$@";;
status) echo "Quorate:          Yes";;
*) exit 9;;
esac`,
  pct: 'echo "VMID Status Lock Name"',
  ifup: 'exit 0',
  ifreload: 'log "$@"',
  timedatectl: `if [ "$1" = show ]; then cat "$STATE/zone" 2>/dev/null; exit 0; fi
echo "$2" > "$STATE/zone"; log "$@"`,
};

const COMMON = (state: string) => `#!/bin/sh
STATE=${state}
log() { echo "\${0##*/} $*" >> "$STATE/calls"; }
add() { echo "$2" >> "$STATE/$1"; }
json() { printf '['; paste -sd, "$STATE/$1" 2>/dev/null; printf ']'; }
`;

/** A machine for playbooks: this one's files with everything that is written in /etc and /root thrown away. */
export interface Host {
  /** Runs playbooks on two nodes that are both this machine. */
  playbook(core: Core, ...args: readonly string[]): { code: number | null; output: string };
  /** Where the machine that runs Ansible keeps its own. */
  readonly home: string;
  /** Every changing call of a program of Proxmox, in order. */
  calls(): readonly string[];
  /** A file of what was left on the machine. */
  read(path: string): string;
}

/** @param inventory the folder of a rendered Ansible inventory */
export function hostFor(inventory: string): Host {
  const folder = mkdtempSync(join(tmpdir(), 'psa-host-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ['state', 'bin', 'home']) mkdirSync(join(folder, name));
  for (const [name, text] of Object.entries(PROGRAMS))
    writeFileSync(join(folder, 'bin', name), `${COMMON(join(folder, 'state'))}${text}\n`, { mode: 0o755 });
  writeFileSync(join(folder, 'module.py'), MODULE);
  writeFileSync(join(folder, 'action.py'), ACTION);
  // A namespace of its own: nothing that is mounted here is seen by anybody else.
  const script = (modules: string) => `set -e
mount -t tmpfs tmpfs /mnt
mount -t tmpfs tmpfs /run
for name in etc root usr/sbin; do
  mkdir -p /mnt/$name/up /mnt/$name/work ${folder}/$name
  cp -a ${folder}/$name/. /mnt/$name/up
  mount -t overlay overlay -o lowerdir=/$name,upperdir=/mnt/$name/up,workdir=/mnt/$name/work /$name
done
for name in apt service systemd sysvinit; do
  [ ! -e ${modules}/modules/$name.py ] || mount --bind ${folder}/module.py ${modules}/modules/$name.py
done
mount --bind ${folder}/action.py ${modules}/plugins/action/wait_for_connection.py
mkdir -p /etc/pve /etc/chrony/sources.d /etc/network /root/.ssh /run/sshd
cp ${folder}/bin/ifup /usr/sbin/ifup
[ -e /etc/ssh/ssh_host_ed25519_key.pub ] || ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
echo 'ssh-rsa AAAAB3 root@node' > /root/.ssh/id_rsa.pub
code=0; "$@" || code=$?
for name in etc root; do cp -a /mnt/$name/up/. ${folder}/$name; done
exit $code
`;
  return {
    playbook(core, ...args) {
      const [program, argv] = argvOf(core, 'playbook', [
        ...['-i', join(inventory, 'inventory.yml'), '--limit', 'pve1,pve2', '-c', 'local'],
        ...['-e', 'ansible_become=false', '-e', 'ansible_python_interpreter=/usr/bin/python3'],
        ...args,
      ]);
      const there = core.folder === null ? '/usr/lib/python3/dist-packages' : core.folder;
      const mapped = process.getuid?.() === 0 ? [] : ['--map-root-user'];
      return run(
        'unshare',
        ['--mount', ...mapped, 'sh', '-c', script(`${there}/ansible`), 'sh', program, ...argv],
        {
          debian: 'util-linux',
          cwd: ANSIBLE,
          env: {
            ...envOf(core, join(folder, 'home')),
            PATH: `${join(folder, 'bin')}:${process.env.PATH ?? ''}:/usr/sbin:/sbin`,
          },
        },
      );
    },
    home: join(folder, 'home'),
    calls: () =>
      existsSync(join(folder, 'state/calls'))
        ? readFileSync(join(folder, 'state/calls'), 'utf8').trim().split('\n')
        : [],
    read: (path) => readFileSync(join(folder, path), 'utf8'),
  };
}
