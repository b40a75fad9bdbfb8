import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort } from '@psa/test-kit/free-port';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';

/** A stand-in for Proxmox's `pct`: commands run for real, pushed files land in a folder, and all calls are noted. */
const PCT = `#!/bin/sh
here=$(dirname "$0")
printf '%s\\0' "$@" >>"$here/calls"
printf '\\n' >>"$here/calls"
verb=$1
vmid=$2
case "$verb" in
  exec)
    shift 3
    exec "$@"
    ;;
  push)
    mkdir -p "$here/$vmid/$(dirname "$4")"
    cp "$3" "$here/$vmid/$4"
    ;;
  unlock)
    [ "$vmid" != 404 ] || { echo "Configuration file 'nodes/pve1/lxc/404.conf' does not exist" >&2; exit 2; }
    ;;
esac
`;

/** A stand-in for LXC's `lxc-attach`: `-n ID --keep-env -- command`. */
const ATTACH = `#!/bin/sh
shift 4
exec "$@"
`;

/** Debian's sshd with keys, configuration and port of its own, and `pct` and `lxc-attach` on its path. */
export class PrivateSshd {
  readonly port: number;
  readonly folder: TempDir;
  #process: ChildProcess | null = null;

  private constructor(port: number, folder: TempDir) {
    this.port = port;
    this.folder = folder;
  }

  static async start(): Promise<PrivateSshd> {
    const sshd = new PrivateSshd(await freePort(), await tempDir('sshd'));
    await sshd.#prepare();
    await sshd.listen();
    return sshd;
  }

  path(name: string): string {
    return join(this.folder.path, name);
  }

  /** What sshd wrote. */
  log(): Promise<string> {
    return readFile(this.path('log'), 'utf8');
  }

  /** The calls of `pct`, each as its arguments. */
  async calls(): Promise<string[][]> {
    const text = await readFile(this.path('bin/calls'), 'utf8').catch(() => '');
    return text
      .split('\0\n')
      .filter((call) => call !== '')
      .map((call) => call.split('\0'));
  }

  async listen(): Promise<void> {
    const args = ['-D', '-f', this.path('config'), '-E', this.path('log')];
    const child = spawn('/usr/sbin/sshd', args, { stdio: 'ignore' });
    this.#process = child;
    for (let attempt = 0; attempt < 200 && child.exitCode === null; attempt++) {
      if (await answers(this.port)) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`sshd did not start: ${await this.log().catch(() => '')}`);
  }

  /** Stops listening; connections that stand go on. */
  async stopListening(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }

  async stop(): Promise<void> {
    await this.stopListening();
    await this.folder.remove();
  }

  async #prepare(): Promise<void> {
    const keygen = (name: string) =>
      execFileSync('/usr/bin/ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', this.path(name)]);
    for (const name of ['host', 'other', 'user']) keygen(name);
    await mkdir(this.path('bin'));
    for (const [name, script] of Object.entries({ pct: PCT, 'lxc-attach': ATTACH })) {
      await writeFile(this.path(`bin/${name}`), script);
      await chmod(this.path(`bin/${name}`), 0o755);
    }
    const key = async (name: string) => (await readFile(this.path(`${name}.pub`), 'utf8')).trim();
    await writeFile(this.path('authorized'), `${await key('user')}\n`, { mode: 0o600 });
    await writeFile(this.path('known_hosts'), `pve1 ${await key('host')}\n`);
    await writeFile(this.path('wrong_hosts'), `pve1 ${await key('other')}\n`);
    // sshd run by root insists on this folder, which Debian's service makes at its start.
    if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
    await writeFile(
      this.path('config'),
      [
        `ListenAddress 127.0.0.1:${this.port}`,
        `HostKey ${this.path('host')}`,
        `AuthorizedKeysFile ${this.path('authorized')}`,
        'PidFile none',
        'UsePAM no',
        'StrictModes no',
        'PasswordAuthentication no',
        'KbdInteractiveAuthentication no',
        'PermitRootLogin prohibit-password',
        'LogLevel VERBOSE',
        // A home of its own: what the machine's root has in its .bashrc would run before each command.
        `SetEnv PATH=${this.path('bin')}:/usr/local/bin:/usr/bin:/bin HOME=${this.folder.path}`,
      ].join('\n'),
    );
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
