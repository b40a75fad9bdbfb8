import { ProxmoxError } from './errors.ts';
import type { Mask } from './mask.ts';

/** How to prove who we are: an API token, or a user and password (tickets). */
export type Credentials =
  | { readonly tokenId: string; readonly secret: string }
  | { readonly username: string; readonly password: string };

/** Asks the API for a ticket; the engine gives it. */
export type Login = (params: Record<string, string>) => Promise<unknown>;

/** Headers that authorise a request, and what to do when they are refused. */
export interface Auth {
  headers(method: string, login: Login): Promise<Record<string, string>>;
  /** The server refused them. True: try once more with new ones. */
  refused(): boolean;
}

interface Ticket {
  readonly ticket: string;
  readonly csrf: string;
  readonly at: number;
}

/** Tickets are valid for two hours; they are renewed in time, by themselves. */
const RENEW_AFTER_MS = 60 * 60_000;
const DEAD_AFTER_MS = 115 * 60_000;

/** The authentication for the credentials. Secrets are made known to the mask at once. */
export function authFor(credentials: Credentials, mask: Mask, now: () => number): Auth {
  if ('tokenId' in credentials) {
    mask.add(credentials.secret);
    const { tokenId, secret } = credentials;
    if (!/^[^\s:/!]+@[^\s:/!]+![^\s:/!]+$/.test(tokenId))
      throw new Error(`The token's id "${mask.hide(tokenId)}" is not of the form user@realm!name.`);
    return {
      headers: async () => ({ authorization: `PVEAPIToken=${tokenId}=${secret}` }),
      refused: () => false,
    };
  }
  return ticketAuth(credentials, mask, now);
}

function ticketAuth(
  credentials: { readonly username: string; readonly password: string },
  mask: Mask,
  now: () => number,
): Auth {
  const { username, password } = credentials;
  mask.add(password);
  let ticket: Ticket | null = null;
  // Requests that come at the same time share one login.
  let pending: Promise<Ticket> | null = null;

  const ask = async (login: Login, secret: string): Promise<Ticket> => {
    const data = (await login({ username, password: secret })) as {
      ticket?: string;
      CSRFPreventionToken?: string;
      NeedTFA?: number;
    } | null;
    if (data?.ticket) mask.add(data.ticket);
    if (data?.CSRFPreventionToken) mask.add(data.CSRFPreventionToken);
    if (!data?.ticket || !data.CSRFPreventionToken || data.NeedTFA || data.ticket.startsWith('PVE:!tfa!'))
      throw new ProxmoxError({
        kind: 'unauthorised',
        method: 'POST',
        path: '/access/ticket',
        reason: `the login of ${username} asks for a second factor or gave no ticket`,
        hint: 'Use an API token: it needs no second factor.',
      });
    return { ticket: data.ticket, csrf: data.CSRFPreventionToken, at: now() };
  };

  const renew = async (login: Login): Promise<Ticket> => {
    const old = ticket;
    // A ticket that still holds serves as the password for the next one.
    if (old && now() - old.at < DEAD_AFTER_MS) {
      try {
        return await ask(login, old.ticket);
      } catch (error) {
        if (!(error instanceof ProxmoxError) || error.kind !== 'unauthorised') throw error;
      }
    }
    return ask(login, password);
  };

  return {
    async headers(method, login) {
      if (!ticket || now() - ticket.at > RENEW_AFTER_MS) {
        pending ??= renew(login).finally(() => {
          pending = null;
        });
        ticket = await pending;
      }
      const cookie = `PVEAuthCookie=${encodeURIComponent(ticket.ticket)}`;
      const headers: Record<string, string> = { cookie };
      if (method !== 'GET') headers.csrfpreventiontoken = ticket.csrf;
      return headers;
    },
    refused() {
      ticket = null;
      return true;
    },
  };
}
