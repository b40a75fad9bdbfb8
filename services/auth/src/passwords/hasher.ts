import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { unavailable } from '@psa/service-kit/errors';

/** Argon2id as OWASP's Password Storage Cheat Sheet advises: 19 MiB, 2 passes, 1 lane. */
export const ARGON2_PARAMETERS = { memory: 19_456, passes: 2, parallelism: 1 } as const;
export interface Argon2Parameters {
  /** KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

const TAG_BYTES = 32;
const SALT_BYTES = 16;
const ARGON2_VERSION = 19;
const run = promisify(argon2);

export interface PasswordCheck {
  readonly correct: boolean;
  /** The hash was made with other parameters and should be made anew while the password is at hand. */
  readonly stale: boolean;
}

/**
 * Makes and checks password hashes, a few at a time: each takes 19 MiB and a thread, so fifty logins at once
 * wait for each other instead of taking a gigabyte. Past `maxWaiting` it answers 503.
 */
export class PasswordHasher {
  readonly #parameters: Argon2Parameters;
  readonly #limit: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #active = 0;
  #runs = 0;
  readonly #decoy: string;

  constructor(options: { parameters?: Argon2Parameters; limit?: number; maxWaiting?: number } = {}) {
    this.#parameters = options.parameters ?? ARGON2_PARAMETERS;
    // node:crypto works on libuv's pool of four threads; file and DNS work needs some of it too.
    this.#limit = options.limit ?? Math.max(1, Math.min(3, availableParallelism()));
    this.#maxWaiting = options.maxWaiting ?? 500;
    this.#decoy = phc(this.#parameters, randomBytes(SALT_BYTES), randomBytes(TAG_BYTES));
  }

  /** Hashes computed so far: a metric, and proof that an unknown address costs as much as a known one. */
  get runs(): number {
    return this.#runs;
  }

  /** Computations at this moment; never above the limit. */
  get active(): number {
    return this.#active;
  }

  /** A PHC string with a fresh salt. */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    return phc(this.#parameters, salt, await this.#compute(password, salt, this.#parameters, TAG_BYTES));
  }

  /** Checks a password against a PHC string. What is not one of ours is never correct. */
  async verify(stored: string, password: string): Promise<PasswordCheck> {
    const parsed = parsePhc(stored);
    if (!parsed) return { correct: false, stale: false };
    const { parameters, salt, tag } = parsed;
    const computed = await this.#compute(password, salt, parameters, tag.length);
    const stale = phc(parameters, salt, tag) !== phc(this.#parameters, salt, tag) || tag.length !== TAG_BYTES;
    return { correct: timingSafeEqual(computed, tag), stale };
  }

  /** Spends the time of {@link verify} where there is nothing to check, so that the answer takes as long. */
  async pretend(password: string): Promise<void> {
    await this.verify(this.#decoy, password);
  }

  async #compute(
    password: string,
    salt: Buffer,
    parameters: Argon2Parameters,
    tagLength: number,
  ): Promise<Buffer> {
    await this.#enter();
    try {
      this.#runs++;
      // The same password typed on two keyboards may differ in bytes (NIST SP 800-63B: normalise first).
      const message = Buffer.from(password.normalize('NFKC'), 'utf8');
      return await run('argon2id', { message, nonce: salt, tagLength, ...parameters });
    } finally {
      this.#active--;
      this.#waiting.shift()?.();
    }
  }

  async #enter(): Promise<void> {
    while (this.#active >= this.#limit) {
      if (this.#waiting.length >= this.#maxWaiting) throw unavailable('Too many sign-ins at once.', 2);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#active++;
  }
}

const base64 = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');

function phc(p: Argon2Parameters, salt: Buffer, tag: Buffer): string {
  return `$argon2id$v=${ARGON2_VERSION}$m=${p.memory},t=${p.passes},p=${p.parallelism}$${base64(salt)}$${base64(tag)}`;
}

const PHC =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

function parsePhc(text: string): { parameters: Argon2Parameters; salt: Buffer; tag: Buffer } | null {
  const match = PHC.exec(text);
  if (!match) return null;
  const [, memory, passes, parallelism, salt, tag] = match;
  return {
    parameters: { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) },
    salt: Buffer.from(salt!, 'base64'),
    tag: Buffer.from(tag!, 'base64'),
  };
}

/** One for the process, because the limit is on the process's memory. */
export const passwordHasher = new PasswordHasher();
