import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { DEMO_PASSWORD, startPlatformProcess } from '@psa/test-kit/platform';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Demo accounts of the platform. */
export const TECHNICIAN = 'technician@demo.example';
export const ADMIN = 'admin@demo.example';
export const CUSTOMER = 'customer@demo.example';
/** A customer at another company than `CUSTOMER`. */
export const OTHER_CUSTOMER = 'other@demo.example';

export interface ApiAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers have many shapes; the tests look at few of them.
  readonly body: any;
}

/** A platform with demo data that browsers can be sent to. */
export interface Platform {
  /** Without a slash at its end. */
  readonly url: string;
  readonly password: string;
  /** Calls the API (`path` below `/api/v1`) as a demo account, beside the browser. */
  api(email: string, method: string, path: string, body?: unknown): Promise<ApiAnswer>;
  stop(): Promise<void>;
}

/**
 * Builds the portals where they are out of date and starts the whole platform on demo data of its own.
 * Where `PSA_URL` and `PSA_DEMO_PASSWORD` are set, that running platform is used and left running: the same tests
 * then hold on a cluster.
 */
export async function startPlatform(): Promise<Platform> {
  const { PSA_URL, PSA_DEMO_PASSWORD } = process.env;
  if (PSA_URL && PSA_DEMO_PASSWORD) {
    return platformAt(PSA_URL.replace(/\/$/, ''), PSA_DEMO_PASSWORD, async () => {});
  }
  await buildPortals();
  const started = await startPlatformProcess('demo');
  return platformAt(started.url, DEMO_PASSWORD, started.stop);
}

/** In a process of its own: the builder ends its process when a build fails. */
export async function buildPortals(): Promise<void> {
  const script = "import { buildPortals } from './scripts/portals.mjs'; await buildPortals();";
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error('Unable to build the portals; see above.');
}

function platformAt(url: string, password: string, stop: () => Promise<void>): Platform {
  const tokens = new Map<string, string>();
  async function call(token: string | undefined, method: string, path: string, body?: unknown) {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') && text !== '';
    return { status: response.status, body: isJson ? JSON.parse(text) : null };
  }
  return {
    url,
    password,
    async api(email, method, path, body) {
      let token = tokens.get(email);
      if (!token) {
        const answer = await call(undefined, 'POST', '/auth/login', { email, password });
        if (answer.status !== 200) throw new Error(`Unable to sign in as ${email}: ${answer.status}`);
        token = answer.body.data.access_token as string;
        tokens.set(email, token);
      }
      return call(token, method, path, body);
    },
    stop,
  };
}
