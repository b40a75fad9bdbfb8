import postgres from 'postgres';

/** Patient: a machine at its limit is slow, and whoever reads has gone to the replica long before. */
const PROBE_TIMEOUT_MS = 3_000;
const PROBE_EVERY_MS = 500;

/** The primary was found away while somebody waited for it. */
export class PrimaryLost extends Error {
  readonly code = 'CONNECTION_CLOSED';
  constructor() {
    super('The database does not take changes just now.');
  }
}

/**
 * Knows whether the primary answers. It is believed to until somebody has reason to doubt; then it is asked on a new
 * connection, and from there on until it answers as a primary again. So a connection that was merely cut costs one
 * question, and nobody waits for a server that is known to be gone.
 */
export class PrimaryWatch {
  readonly #url: string;
  #away = false;
  #closed = false;
  #asking: Promise<boolean> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #lost = newLoss();

  constructor(url: string) {
    this.#url = url;
  }

  get isAway(): boolean {
    return this.#away;
  }

  /** Rejects with {@link PrimaryLost} when the primary is found away. */
  get lost(): Promise<never> {
    return this.#lost.promise;
  }

  /** Asks the primary whether it is there, once for everybody who doubts at the same time. */
  doubt(): Promise<boolean> {
    if (this.#away || this.#closed) return Promise.resolve(!this.#away);
    return this.#ask();
  }

  close(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  #ask(): Promise<boolean> {
    this.#asking ??= this.#probe().then((answers) => {
      this.#asking = null;
      if (answers) this.#found();
      else this.#missed();
      return answers;
    });
    return this.#asking;
  }

  #found(): void {
    if (!this.#away) return;
    this.#away = false;
    this.#lost = newLoss();
  }

  #missed(): void {
    if (!this.#away) {
      this.#away = true;
      this.#lost.reject(new PrimaryLost());
    }
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#ask(), PROBE_EVERY_MS);
    this.#timer.unref();
  }

  /** A new connection: those of the pool may lead to a server that is gone. A replica is no primary. */
  async #probe(): Promise<boolean> {
    const sql = postgres(this.#url, {
      max: 1,
      prepare: false,
      fetch_types: false,
      connect_timeout: PROBE_TIMEOUT_MS / 1_000,
      onnotice: () => {},
    });
    let timer: NodeJS.Timeout | undefined;
    try {
      const patience = new Promise<false>((resolve) => {
        timer = setTimeout(() => resolve(false), PROBE_TIMEOUT_MS);
      });
      const asked = sql`select pg_is_in_recovery() as replica`.then(
        ([row]) => row?.replica === false,
        () => false,
      );
      return await Promise.race([asked, patience]);
    } finally {
      clearTimeout(timer);
      void sql.end({ timeout: 0 }).catch(() => {});
    }
  }
}

function newLoss(): PromiseWithResolvers<never> {
  const loss = Promise.withResolvers<never>();
  // Nobody may be waiting.
  loss.promise.catch(() => {});
  return loss;
}
