// What `npm start` and `npm test` do before anything else. Runs on the Node that came with the machine (20 or
// later) and with nothing installed, so it imports only what Node itself brings.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
export const BIN = join(ROOT, 'node_modules', '.bin');
/** The Node that the platform runs on, brought by npm. */
export const NODE = join(BIN, 'node');

/** Ends with a message for people: what is wrong and what to do. */
export function fail(message) {
  console.error(`\n${message}\n`);
  process.exit(1);
}

/** True when every package of the lock file is installed in its version. npm writes its own list last of all. */
function isInstalled() {
  try {
    const packages = (file) => JSON.parse(readFileSync(join(ROOT, file), 'utf8')).packages;
    const wanted = packages('package-lock.json');
    const there = packages('node_modules/.package-lock.json');
    return Object.entries(wanted).every(([path, { version, optional, link }]) => {
      if (!path.startsWith('node_modules/') || optional || link) return true;
      return there[path]?.version === version;
    });
  } catch {
    return false;
  }
}

/** Installs the npm packages of the lock file where they are missing or others. */
export function installPackages() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    fail(`PSA-Platform runs on Linux on x64; this is ${process.platform} on ${process.arch}.`);
  }
  if (isInstalled() && existsSync(NODE)) return;
  console.log('Installing npm packages (about a minute, once) …');
  const done = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  if (done.error?.code === 'ENOENT') fail('npm is not installed. On Debian: apt-get install -y npm');
  if (done.status !== 0)
    fail('"npm ci" failed; see above. Is the network there? Then run the command again.');
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
  chromium: 'chromium',
  haproxy: 'haproxy',
  openssl: 'openssl',
  promtool: 'prometheus',
  amtool: 'prometheus-alertmanager',
  'ansible-playbook': 'ansible',
  'ansible-lint': 'ansible-lint',
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
/** What each purpose needs: program and Debian package. */
const PROGRAMS = {
  lab: LAB_PROGRAMS,
  test: { ...SUITE_PROGRAMS, ...LAB_PROGRAMS },
  bench: { ...SUITE_PROGRAMS, ...LAB_PROGRAMS, pgbench: 'postgresql-15' },
};

const isOnPath = (program) =>
  [
    ...(process.env.PATH ?? '').split(delimiter),
    '/usr/sbin',
    '/sbin',
    '/usr/bin',
    '/usr/lib/postgresql/15/bin',
  ].some((folder) => existsSync(join(folder, program)));

/** Refuses to let packages start services while they are installed (Debian policy, invoke-rc.d). */
const POLICY = '/usr/sbin/policy-rc.d';

/**
 * Installs the Debian packages that tests, the lab or benchmarks need: by itself when root, else it says the line to run.
 * @param {'test' | 'lab' | 'bench'} purpose
 */
export function installDebianPackages(purpose) {
  const programs = PROGRAMS[purpose];
  const missing = Object.keys(programs).filter((program) => !isOnPath(program));
  if (missing.length === 0) return;
  const names = missing.map((program) => programs[program]);
  const install = ['install', '-y', '--no-install-recommends', ...names];
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) {
    fail(`These programs are missing: ${missing.join(', ')}. Run:\n\n  sudo apt-get ${install.join(' ')}\n`);
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
 * Runs a script on our Node in place of this process: the same terminal, signals passed on, its exit code ours.
 * The channel between the two tells the script when this process was killed.
 */
export function become(script, args, flags = []) {
  const child = spawn(NODE, [...flags, script, ...args], {
    cwd: ROOT,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: environment(),
  });
  // Ctrl-C reaches the child through the terminal as well; it minds only the first.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(`Unable to run ${script}: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}
