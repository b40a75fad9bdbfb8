import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run } from './run.ts';
import { aptOptions, sourceLines } from './sources.ts';

/** What a program said, standard output and errors together, and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** A program that runs in the bare Debian. */
export interface Running {
  /** What it has said so far. */
  readonly output: () => string;
  readonly ended: Promise<Ended>;
  /** Ends it with all that it started. */
  kill(): void;
}

/** Certificates that this machine trusts beside Debian's: whoever stands between it and the packages. */
const OWN_AUTHORITIES = '/usr/local/share/ca-certificates';
const BUNDLE = '/etc/ssl/certs/ca-certificates.crt';
const APT_SETTINGS = '/etc/apt/apt.conf.d/90machine';

/**
 * Makes the folder the root of what follows: own mounts and processes, the machine's devices, kernel and network.
 * `pivot_root` and not chroot, so that containers can be started inside. The first process stands in no control group, as
 * a machine's does: LXC lays its own below that one's.
 */
const ENTER = `
set -e
root=$1
shift
for one in /sys/fs/cgroup/*/cgroup.procs; do echo $$ > "$one" 2>/dev/null || true; done
mount --rbind "$root" "$root"
cd "$root"
mkdir -p .outside
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mount -t tmpfs -o size=2g tmpfs tmp
pivot_root . .outside
umount -l /.outside
exec "$@"
`;

/** A Debian 12 that has Node and npm of its own packages and nothing else, as a folder that commands can be run in. */
export class BareDebian {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  /** Makes one in a folder that is not there yet (half a gigabyte, two minutes). Needs root. */
  static async make(root: string): Promise<BareDebian> {
    const lines = sourceLines('bookworm', []);
    const options = await aptOptions();
    const settings = `${root}.apt.conf`;
    await mkdir(dirname(root), { recursive: true });
    await writeFile(settings, `${options.join('\n')}\nAPT::Install-Recommends "false";\n`);
    const make = ['mmdebstrap', '--mode=root', '--variant=minbase', '--include=nodejs,npm,ca-certificates'];
    await run('unshare', [
      ...['--mount', '--propagation=private', ...make, `--aptopt=${settings}`],
      ...['--skip=check/signed-by', 'bookworm', root, ...lines],
    ]);
    await rm(settings);
    await writeFile(join(root, APT_SETTINGS), `${options.join('\n')}\n`);
    if (existsSync(OWN_AUTHORITIES)) {
      await cp(OWN_AUTHORITIES, join(root, OWN_AUTHORITIES), { recursive: true });
      await run('chroot', [root, 'update-ca-certificates']);
    }
    // It shares the machine's network.
    await cp('/etc/resolv.conf', join(root, 'etc/resolv.conf'), { dereference: true });
    return new BareDebian(root);
  }

  /** Starts a line of a shell in a folder of it, with the environment of a login and no more. */
  start(folder: string, line: string, env: Readonly<Record<string, string>> = {}): Running {
    const environment = {
      ...{ HOME: '/root', LANG: 'C.UTF-8', TERM: 'dumb' },
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      // npm and Node trust their own list unless told otherwise.
      ...{ NODE_EXTRA_CA_CERTS: BUNDLE, npm_config_cafile: BUNDLE },
      ...env,
    };
    const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--propagation=private'];
    const inside = ['env', '-i', '-C', folder, ...settings, 'sh', '-c', line];
    const child = spawn('unshare', [...namespaces, 'sh', '-c', ENTER, 'enter', this.root, ...inside], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    const ended = new Promise<Ended>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, output }));
    });
    return { output: () => output, ended, kill: () => child.kill('SIGKILL') };
  }
}
