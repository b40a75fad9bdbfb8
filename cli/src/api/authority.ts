import { CliError } from '../errors.ts';
import { credentialStore, type Session } from './credentials.ts';
import { isUnauthorised } from './errors.ts';
import { type ApiSettings, type RequestOptions, read, type Send } from './transport.ts';

/** In whose name requests are sent. */
export interface Authority {
  /** Where the name comes from; null when nobody is signed in. */
  readonly source: 'PSA_API_KEY' | 'PSA_EMAIL' | 'login' | null;
  /** Headers that prove it; signs in when that is still to be done. @throws when nobody is signed in. */
  headers(): Promise<Record<string, string>>;
  /** After a 401: gets a fresh session. False when there is none to be had. */
  renew(): Promise<boolean>;
  /** Ends what was begun for this run alone. */
  close(): Promise<void>;
}

interface TokenAnswer {
  access_token?: string;
  refresh_token?: string;
  expires_in: number;
  user: { email: string; name: string; role: string };
}

/** A session with this much or less to live is renewed before it is used. */
const MARGIN_MS = 30_000;

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** `PSA_API_KEY`, else `PSA_EMAIL` with `PSA_PASSWORD`, else what `psactl login` stored for this address. */
export function authorityFrom(settings: ApiSettings, send: Send): Authority {
  const { PSA_API_KEY, PSA_EMAIL, PSA_PASSWORD } = settings.env;
  if (PSA_API_KEY) {
    return {
      source: 'PSA_API_KEY',
      headers: async () => ({ 'x-api-key': PSA_API_KEY }),
      renew: async () => false,
      close: async () => {},
    };
  }
  if (PSA_EMAIL && PSA_PASSWORD) return byPassword(send, PSA_EMAIL, PSA_PASSWORD);
  return stored(settings, send);
}

/** Signs in; @throws an ApiError when the platform refuses. */
export async function signIn(send: Send, email: string, password: string): Promise<Session> {
  const options: RequestOptions = { action: `sign in as ${email}`, body: { email, password } };
  const raw = await send('POST', '/api/v1/auth/login', options, {});
  return sessionOf(read<{ data: TokenAnswer } | TokenAnswer>(raw, '/api/v1/auth/login', options), email);
}

/** Ends a session; a platform that is away or has forgotten it is no reason to complain. */
export async function signOut(send: Send, session: Session): Promise<void> {
  const options = { action: 'sign out', body: { refresh_token: session.refresh_token }, timeoutMs: 3_000 };
  await send('POST', '/api/v1/auth/logout', options, bearer(session.access_token)).catch(() => {});
}

async function refresh(send: Send, session: Session): Promise<Session | null> {
  const options = { action: 'renew the session', body: { refresh_token: session.refresh_token } };
  const raw = await send('POST', '/api/v1/auth/refresh', options, {});
  if (raw.status === 400 || raw.status === 401) return null;
  return sessionOf(
    read<{ data: TokenAnswer } | TokenAnswer>(raw, '/api/v1/auth/refresh', options),
    session.email,
  );
}

function sessionOf(answer: { data: TokenAnswer } | TokenAnswer, email: string): Session {
  const { access_token, refresh_token, expires_in } = 'data' in answer ? answer.data : answer;
  if (!access_token || !refresh_token) {
    throw new CliError('Unable to sign in: the answer holds no tokens.', { fix: 'Check PSA_URL or --url.' });
  }
  return { email, access_token, refresh_token, expires_at: Date.now() + expires_in * 1000 };
}

const fresh = (session: Session) => session.expires_at - MARGIN_MS > Date.now();

function byPassword(send: Send, email: string, password: string): Authority {
  let session: Session | null = null;
  let refused: unknown = null;
  // A password that was refused is not tried again: five wrong ones lock the account.
  const begin = async () => {
    if (refused) throw refused;
    try {
      return await signIn(send, email, password);
    } catch (error) {
      if (isUnauthorised(error)) refused = error;
      throw error;
    }
  };
  const renewed = async (old: Session | null) => (old && (await refresh(send, old))) ?? (await begin());
  return {
    source: 'PSA_EMAIL',
    async headers() {
      if (!session || !fresh(session)) session = await renewed(session);
      return bearer(session.access_token);
    },
    async renew() {
      session = await renewed(session);
      return true;
    },
    async close() {
      if (session) await signOut(send, session);
      session = null;
    },
  };
}

function stored(settings: ApiSettings, send: Send): Authority {
  const store = credentialStore(settings.env);
  let session: Session | null | undefined;
  const load = async () => (session === undefined ? (session = await store.load(settings.url)) : session);

  /** Under the lock: whoever comes second finds the first one's new tokens and takes those. */
  const renewed = () =>
    store.update(settings.url, async (current) => {
      if (!current) return null;
      if (current.access_token !== session?.access_token && fresh(current)) return current;
      return refresh(send, current);
    });

  return {
    get source() {
      return session ? 'login' : null;
    },
    async headers() {
      const found = await load();
      if (!found) throw notSignedIn(settings.url);
      if (!fresh(found)) session = await renewed();
      if (!session) throw notSignedIn(settings.url, `The session of ${found.email} has ended.`);
      return bearer(session.access_token);
    },
    async renew() {
      session = await renewed();
      return session !== null;
    },
    async close() {},
  };
}

const notSignedIn = (url: string, why = 'Nobody is signed in.') =>
  new CliError(`Unable to use ${url}: ${why}`, {
    outcome: 'not_authorised',
    code: 'AUTHENTICATION_REQUIRED',
    fix: 'Run "psactl login", or set PSA_API_KEY, or PSA_EMAIL and PSA_PASSWORD.',
  });
