import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { prepared } from '@psa/test-kit/prepared';

const PACKAGES = '--include=systemd,systemd-sysv,dbus,ifupdown,iproute2';

/** Half a minute, and longer on a machine that does other things. */
export const MINBASE_MS = 900_000;

/** The archive of a small Debian 12 with systemd; made once per run, which takes half a minute and packages. */
export async function minbase(): Promise<string> {
  const name = 'minbase-1.0.0.tar.zst';
  const folder = await prepared('minbase', async (made) => {
    await promisify(execFile)('mmdebstrap', ['--variant=minbase', PACKAGES, 'bookworm', join(made, name)]);
  });
  return join(folder, name);
}
