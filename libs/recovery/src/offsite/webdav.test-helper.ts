import { execFileSync, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort } from '@psa/test-kit/free-port';
import { tempDir } from '@psa/test-kit/temp-dir';
import { until } from '@psa/test-kit/until';

/** A WebDAV server on loopback, which rclone brings along. It holds its account to nothing. */
export interface Webdav {
  /** Where its files are. */
  readonly folder: string;
  /** RCLONE_CONFIG with the remotes `offsite:` and `stranger:`, whose password is another. */
  readonly config: string;
  stop(): Promise<void>;
}

export async function webdav(): Promise<Webdav> {
  const dir = await tempDir('webdav');
  const [folder, config] = [join(dir.path, 'files'), join(dir.path, 'rclone.conf')];
  await mkdir(folder);
  const port = await freePort();
  const section = (name: string, password: string) => `[${name}]
type = webdav
url = http://127.0.0.1:${port}
vendor = other
user = psa
pass = ${execFileSync('rclone', ['obscure', password], { encoding: 'utf8' }).trim()}
`;
  await writeFile(config, `${section('offsite', 'a-password')}\n${section('stranger', 'another')}`);
  const server = spawn(
    'rclone',
    ['serve', 'webdav', folder, `--addr=127.0.0.1:${port}`, '--user=psa', '--pass=a-password'],
    { stdio: 'ignore', env: { ...process.env, RCLONE_CONFIG: config } },
  );
  const exit = new Promise((resolve) => server.once('close', resolve));
  const stop = async () => {
    server.kill('SIGTERM');
    await exit;
    await dir.remove();
  };
  try {
    await until(() => answers(port), 20_000, 'the WebDAV server');
  } catch (error) {
    await stop();
    throw error;
  }
  return { folder, config, stop };
}

/** Whether something listens on a port of loopback. */
export const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
