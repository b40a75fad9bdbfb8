import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort } from '@psa/test-kit/free-port';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';

const repo = join(import.meta.dirname, '../..');
export const BIN = join(repo, 'cli/bin');
export const PASSWORD = 'kiesel-regen-sommer-laterne';

/** The whole platform as `npm start` runs it, empty but for one administrator. */
export interface RunningPlatform {
  readonly url: string;
  /** What psactl needs to work on it as the administrator, with a home of its own. */
  readonly env: Record<string, string>;
  /** Calls the API as the administrator. @throws when the answer is an error */
  // biome-ignore lint/suspicious/noExplicitAny: answers have many shapes; the tests look at few of them
  api(method: string, path: string, body?: unknown): Promise<any>;
  stop(): Promise<void>;
}

export async function startPlatform(): Promise<RunningPlatform> {
  const dir = await tempDir('psactl-e2e');
  const port = await freePort();
  const most = '100000000';
  const child = spawn(process.execPath, [join(repo, 'embedded/src/main.ts')], {
    cwd: dir.path,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: dir.path,
      PORT: String(port),
      PSA_DATA_DIR: join(dir.path, 'data'),
      PSA_DEMO: '0',
      RATE_ANONYMOUS_PER_MINUTE: most,
      RATE_PROFESSIONAL_PER_HOUR: most,
    },
  });
  try {
    const token = await setupToken(child);
    return await signedIn(child, dir, `http://127.0.0.1:${port}`, token);
  } catch (error) {
    await stop(child, dir);
    throw error;
  }
}

/** Waits for the ready line and the link that makes the first administrator. */
async function setupToken(child: ChildProcess): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      text += chunk;
      const token = /\/setup\?token=(\S+)\s/.exec(text)?.[1];
      if (text.includes('PSA-Platform ready on ') && token) resolve(decodeURIComponent(token));
    };
    child.stdout!.on('data', read);
    child.stderr!.on('data', read);
    child.once('exit', (code) => reject(new Error(`The platform ended with ${code}:\n${text}`)));
  });
}

async function signedIn(
  child: ChildProcess,
  dir: TempDir,
  url: string,
  token: string,
): Promise<RunningPlatform> {
  let access = '';
  const api: RunningPlatform['api'] = async (method, path, body) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(access ? { authorization: `Bearer ${access}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  };
  const email = 'admin@test.example';
  await api('POST', '/api/v1/auth/setup', {
    token,
    tenant_name: 'Test',
    name: 'Admin',
    email,
    password: PASSWORD,
  });
  const answer = await api('POST', '/api/v1/auth/login', { email, password: PASSWORD });
  access = (answer.data ?? answer).access_token;
  return {
    url,
    env: {
      PSA_URL: url,
      PSA_EMAIL: email,
      PSA_PASSWORD: PASSWORD,
      HOME: dir.path,
      PATH: `${BIN}:/usr/bin:/bin`,
    },
    api,
    stop: () => stop(child, dir),
  };
}

async function stop(child: ChildProcess, dir: TempDir): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }
  await dir.remove();
}
