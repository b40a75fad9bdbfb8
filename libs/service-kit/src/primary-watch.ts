import { afterPatience } from '@psa/infra/patience';
import postgres from 'postgres';

/** Patient: a machine at its limit is slow, and whoever reads has gone to the replica long before. */
const PROBE_PATIENCE_MS = 3_000;
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
  readonly #patienceMs: number;
  #away = false;
  /** Transactions that the primary has let begin. */
  #heard = 0;
  #closed = false;
  #asking: Promise<boolean> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #lost = newLoss();

  constructor(url: string, patienceMs = PROBE_PATIENCE_MS) {
    this.#url = url;
    this.#patienceMs = patienceMs;
  }

  get isAway(): boolean {
    return this.#away;
  }

  /** Rejects with {@link PrimaryLost} when the primary is found away. */
  get lost(): Promise<never> {
    return this.#lost.promise;
  }

  /** A transaction has begun that may change something: the primary is there. */
  heard(): void {
    this.#heard++;
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

  /**
   * A new connection: those of the pool may lead to a server that is gone. A replica is no primary. One that goes on
   * answering others is not away, though it has too much to do for one connection more.
   */
  async #probe(): Promise<boolean> {
    const heardBefore = this.#heard;
    const sql = postgres(this.#url, {
      max: 1,
      prepare: false,
      fetch_types: false,
      // Its timer would count what this process is late itself.
      connect_timeout: 0,
      onnotice: () => {},
    });
    let giveUp = () => {};
    try {
      const patience = new Promise<null>((resolve) => {
        giveUp = afterPatience(this.#patienceMs, () => resolve(null));
      });
      const asked = sql<{ replica: boolean }[]>`select pg_is_in_recovery() as replica`.then(
        ([row]) => row!.replica === false,
        () => null,
      );
      return (await Promise.race([asked, patience])) ?? this.#heard > heardBefore;
    } finally {
      giveUp();
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
