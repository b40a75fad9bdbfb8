import type { AccessClaims } from '@psa/contracts/tokens';
import { contextFromClaims, type RequestContext } from '@psa/service-kit/context';
import { freePort } from '@psa/test-kit/free-port';
import { tempDir } from '@psa/test-kit/temp-dir';
import postgres from 'postgres';
import { startChild } from './child.ts';
import { PLATFORM_FLAGS } from './platform-flags.ts';
import type { PlatformReady } from './platform-process.ts';

const PASSWORD = 'a-long-password-of-the-bench';

const many = '2000000000';
/** Settings that put the limits of the gateway out of reach. */
export const UNLIMITED = {
  RATE_ANONYMOUS_PER_MINUTE: many,
  RATE_STANDARD_PER_HOUR: many,
  RATE_PROFESSIONAL_PER_HOUR: many,
  RATE_ENTERPRISE_PER_HOUR: many,
};

export interface SignedIn {
  readonly token: string;
  readonly claims: AccessClaims;
  readonly context: RequestContext;
}

/** The database of a platform, by its superuser and by the services' own roles. */
export interface PlatformDatabase {
  readonly admin: postgres.Sql;
  /** Superuser, database of the platform. */
  readonly adminUrl: string;
  readonly rolePassword: string;
  /** Connection URL with a service's own role, which row-level security holds. */
  roleUrl(service: string, database?: string): string;
}

/** The embedded platform with demo data in a process of its own, with limits out of reach by its settings. */
export interface BenchPlatform extends PlatformReady, PlatformDatabase {
  readonly pid: number;
  signIn(email?: string): Promise<SignedIn>;
  stop(): Promise<void>;
}

export async function startPlatform(options: { execArgv?: string[] } = {}): Promise<BenchPlatform> {
  const dir = await tempDir('bench');
  const child = await startChild<PlatformReady>('./platform-process.ts', {
    execArgv: [...PLATFORM_FLAGS, ...(options.execArgv ?? [])],
    env: {
      PORT: String(await freePort()),
      PSA_DATA_DIR: dir.path,
      PSA_DEMO: '1',
      PSA_DEMO_PASSWORD: PASSWORD,
      ...UNLIMITED,
    },
  });
  const { ready } = child;
  const admin = postgres(ready.adminUrl, { max: 2, onnotice: () => {} });
  return {
    ...ready,
    pid: child.process.pid!,
    admin,
    roleUrl(service, database = 'psa_platform') {
      const url = new URL(ready.adminUrl);
      url.username = `psa_${service}`;
      url.password = ready.rolePassword;
      url.pathname = `/${database}`;
      return url.href;
    },
    signIn: (email = 'admin@demo.example') => signIn(ready.url, email, PASSWORD),
    async stop() {
      await admin.end({ timeout: 2 });
      await child.stop();
      await dir.remove();
    },
  };
}

/** Signs in at a gateway. */
export async function signIn(url: string, email: string, password: string): Promise<SignedIn> {
  const response = await fetch(`${url}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password }),
  });
  if (!response.ok) throw new Error(`Unable to sign in: ${response.status} ${await response.text()}`);
  const token = ((await response.json()) as { data: { access_token: string } }).data.access_token;
  const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as AccessClaims;
  return { token, claims, context: contextFromClaims(claims, token, 'bench', '127.0.0.1') };
}
