import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@psa/test-kit/free-port';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { until } from '@psa/test-kit/until';
import { answers } from './webdav.test-helper.ts';

/** Debian's: files of it are nobody else's. */
const NOBODY = 65_534;

/**
 * A remote whose account may add and read, and nothing else: OpenSSH's own sftp server with everything else denied, and a
 * umask that leaves a file without the right to write once it is closed. backup/README.md names the same settings.
 */
export interface AppendOnlySftp {
  /** Where its files are, to look at and to damage. */
  readonly folder: string;
  /** RCLONE_CONFIG with the remote `offsite:`. */
  readonly config: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts it on loopback; as root for the account `nobody`, since root may write to any file. */
export async function appendOnlySftp(): Promise<AppendOnlySftp> {
  const dir = await tempDir('offsite');
  const isRoot = process.getuid?.() === 0;
  const at = (name: string) => join(dir.path, name);
  const port = await freePort();
  await mkdir(at('files'));
  if (isRoot) {
    await chmod(dir.path, 0o711);
    await chown(at('files'), NOBODY, NOBODY);
    await mkdir('/run/sshd', { recursive: true });
  }
  for (const name of ['host', 'key'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
  await writeFile(at('authorized'), await readFile(at('key.pub')), { mode: 0o644 });
  const denied = 'remove,rename,posix-rename,rmdir,mkdir,setstat,fsetstat,lsetstat,symlink,hardlink';
  await writeFile(
    at('config'),
    `Port ${port}
ListenAddress 127.0.0.1
HostKey ${at('host')}
AuthorizedKeysFile ${at('authorized')}
StrictModes no
UsePAM no
PasswordAuthentication no
PidFile none
Subsystem sftp internal-sftp
ForceCommand internal-sftp -d ${at('files')} -u 0377 -P ${denied}
`,
  );
  const user = isRoot ? 'nobody' : userInfo().username;
  await writeFile(
    at('rclone.conf'),
    `[offsite]
type = sftp
host = 127.0.0.1
port = ${port}
user = ${user}
key_file = ${at('key')}
set_modtime = false
disable_hashcheck = true
`,
  );
  const sshd = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', at('config')], { stdio: 'ignore' });
  const stop = () => ended(sshd, dir);
  try {
    await until(() => answers(port), 20_000, 'sshd');
  } catch (error) {
    await stop();
    throw error;
  }
  return { folder: at('files'), config: at('rclone.conf'), port, stop };
}

async function ended(child: ChildProcess, dir: TempDir): Promise<void> {
  if (child.exitCode === null) {
    const exit = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await exit;
  }
  await dir.remove();
}
