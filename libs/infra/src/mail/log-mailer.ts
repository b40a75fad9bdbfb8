import type { Mail, Mailer } from '@psa/contracts/ports/mailer';
import { type AdapterLog, silentLog } from '../log.ts';

/** Mails kept; older ones are dropped. */
const KEEP = 100;

/** Sends nothing: writes each mail to the log and keeps the last ones, for trying the platform out and for tests. */
export class LogMailer implements Mailer {
  readonly #log: AdapterLog;
  readonly #sent: Mail[] = [];

  constructor(options: { log?: AdapterLog } = {}) {
    this.#log = options.log ?? silentLog;
  }

  /** The last 100 mails, oldest first. */
  get sent(): readonly Mail[] {
    return this.#sent;
  }

  async send(mail: Mail): Promise<void> {
    this.#sent.push({ ...mail });
    if (this.#sent.length > KEEP) this.#sent.shift();
    this.#log.info(`Mail to ${mail.to}: ${mail.subject}\n${mail.text}`);
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {}
}
