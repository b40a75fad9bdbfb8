import { Requester, type Server } from './requester.ts';

/** A technician who is signed in, for all connections of a load. */
export class Session {
  readonly #client: Requester;
  readonly #login: { readonly email: string; readonly password: string };
  readonly #timeoutMs: number;
  #token = '';
  #renewAt = 0;
  #renewing: Promise<void> | null = null;

  constructor(server: Server, login: { email: string; password: string }, timeoutMs: number) {
    this.#client = new Requester(server, false);
    this.#login = { email: login.email, password: login.password };
    this.#timeoutMs = timeoutMs;
  }

  /** @throws when it cannot sign in */
  async start(): Promise<void> {
    await this.#signIn();
  }

  /** Signs in again in good time; the old token serves until that has worked. */
  get headers(): Readonly<Record<string, string>> {
    if (Date.now() > this.#renewAt) this.renew();
    return { authorization: `Bearer ${this.#token}` };
  }

  renew(): void {
    this.#renewing ??= this.#signIn()
      .catch(() => {
        this.#renewAt = Date.now() + 1_000;
      })
      .finally(() => {
        this.#renewing = null;
      });
  }

  /** Any customer: tickets have one. Makes one where there is none. */
  async customer(): Promise<string> {
    const list = await this.#ask<readonly { id: string }[]>('GET', '/api/v1/customers?limit=1', null);
    if (list[0]) return list[0].id;
    return (await this.#ask<{ id: string }>('POST', '/api/v1/customers', { name: 'Load test' })).id;
  }

  async #signIn(): Promise<void> {
    const { email, password } = this.#login;
    const path = '/api/v1/auth/login';
    type Tokens = { access_token: string; expires_in: number };
    const answer = await this.#ask<Tokens>('POST', path, { email, password }, false);
    this.#token = answer.access_token;
    this.#renewAt = Date.now() + answer.expires_in * 500;
  }

  async #ask<T>(method: 'GET' | 'POST', path: string, body: object | null, signed = true): Promise<T> {
    const headers = signed ? this.headers : {};
    const { status, text } = await this.#client.send({
      ...{ method, path, headers, body, timeoutMs: this.#timeoutMs },
    });
    if (status >= 300) throw new Error(`Unable to ${method} ${path}: ${status} ${text.slice(0, 300)}`);
    return (JSON.parse(text) as { data: T }).data;
  }
}
