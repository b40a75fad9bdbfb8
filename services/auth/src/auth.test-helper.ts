import type { EventEnvelope } from '@psa/contracts/events/envelope';
import type { AccessClaims } from '@psa/contracts/tokens';
import type { Peers } from '@psa/service-kit/peers';
import { type TokenVerifier, tokenVerifier } from '@psa/service-kit/tokens';
import { type TestService, testService } from '@psa/test-kit/service';
import { decodeProtectedHeader } from 'jose';
import { authService } from './app.ts';
import { signingKeySet } from './keys/key-ring.ts';
import { type CreatedTenant, createTenant } from './tenants/service.ts';

export const PASSWORD = 'Blaue Lampen am Kanal';
/** The one customer that `crm` knows in these tests. */
export const CUSTOMER = '0195d000-0000-7000-8000-00000000c001';

type Answer = Awaited<ReturnType<TestService['call']>>;
type Headers = Record<string, string>;

/** Cookies of a browser. */
export interface Jar {
  [name: string]: string;
}

export interface AuthTest extends TestService {
  readonly tenant: CreatedTenant;
  readonly email: string;
  /** A call with a token issued by this service, or any other header, and no claims of the harness. */
  as(
    token: string | null,
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    url: string,
    body?: unknown,
    headers?: Headers,
  ): Promise<Answer>;
  /** Claims of the tenant's administrator, for `call(..., { as })`. */
  readonly admin: Partial<AccessClaims>;
  login(email?: string, password?: string, address?: string): Promise<Answer>;
  /** Signs in and returns the tokens. */
  session(email?: string, password?: string): Promise<{ access: string; refresh: string }>;
  /** Makes a user and returns its id. */
  user(input: Record<string, unknown>): Promise<string>;
  /** Events of a type in the outbox. */
  events(type: string): Promise<EventEnvelope[]>;
  /** Resolves when nothing goes on behind an answer. */
  idle(): Promise<void>;
  /** Sends the mails that wait; the link in the last one to an address. */
  mailedToken(to: string): Promise<string>;
}

/** The auth service with one tenant, its own tokens accepted besides those of the harness. */
export async function authTest(): Promise<AuthTest> {
  let own: TokenVerifier | null = null;
  let harness: TokenVerifier | null = null;
  const verifier: TokenVerifier = {
    verify: (token) => {
      const kid = (() => {
        try {
          return decodeProtectedHeader(token).kid;
        } catch {
          return undefined;
        }
      })();
      return (kid === 'test' ? harness : own)!.verify(token);
    },
  };
  const peers: Peers = {
    request: async (_service, request) =>
      request.path.endsWith(CUSTOMER)
        ? { status: 200, body: { data: { id: CUSTOMER } } }
        : { status: 404, body: null },
  };
  const service = await testService(authService, { peers, overrides: { verifier } });
  const { deps, running, clock } = service;
  harness = service.tokens.verifier;
  own = tokenVerifier({ keys: signingKeySet(deps), cache: deps.cache, clock });
  const email = 'admin@first.example';
  const tenant = await createTenant(deps, {
    name: 'Erste IT',
    admin: { email, name: 'Ada Admin', password: PASSWORD },
  });
  const admin = { tid: tenant.tenant_id, sub: tenant.admin_id, role: 'system_admin' };

  const as: AuthTest['as'] = async (token, method, url, body, headers = {}) => {
    const response = await running.app.inject({
      method,
      url,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    });
    const json = String(response.headers['content-type'] ?? '').includes('json') && response.body !== '';
    return {
      status: response.statusCode,
      body: json ? JSON.parse(response.body) : null,
      headers: response.headers,
      text: response.body,
    };
  };
  const login: AuthTest['login'] = (who = email, password = PASSWORD, address = '192.0.2.1') =>
    as(null, 'POST', '/api/v1/auth/login', { email: who, password }, { 'x-forwarded-for': address });
  return {
    ...service,
    tenant,
    email,
    admin,
    as,
    login,
    async session(who, password) {
      const answer = await login(who, password);
      if (answer.status !== 200) throw new Error(`Unable to sign in: ${answer.text}`);
      return { access: answer.body.data.access_token, refresh: answer.body.data.refresh_token };
    },
    async user(input) {
      const answer = await service.call('POST', '/api/v1/users', {
        as: admin,
        body: { name: 'Somebody', role: 'technician_l1', password: PASSWORD, ...input },
      });
      if (answer.status !== 201) throw new Error(`Unable to create a user: ${answer.text}`);
      return answer.body.data.id;
    },
    idle: () => running.idle(),
    events: async (type) => (await service.outbox()).filter((event) => event.type === type),
    async mailedToken(to) {
      await running.runDue();
      const mail = service.mailer.sent.findLast((one) => one.to === to);
      return /reset-password\?token=(\S+)/.exec(mail?.text ?? '')?.[1] ?? '';
    },
  };
}

/** Takes the cookies that an answer sets into the jar; expired ones go. */
export function keepCookies(jar: Jar, answer: Answer): Jar {
  for (const line of [answer.headers['set-cookie'] ?? []].flat() as string[]) {
    const [pair] = line.split(';');
    const [name, value] = [pair!.slice(0, pair!.indexOf('=')), pair!.slice(pair!.indexOf('=') + 1)];
    if (value === '' || /Max-Age=0|Expires=Thu, 01 Jan 1970/i.test(line)) delete jar[name];
    else jar[name] = value;
  }
  return jar;
}

export const cookieHeader = (jar: Jar): Headers => ({
  cookie: Object.entries(jar)
    .map(([name, value]) => `${name}=${value}`)
    .join('; '),
});
