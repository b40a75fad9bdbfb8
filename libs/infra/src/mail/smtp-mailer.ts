import type { Mail, Mailer } from '@psa/contracts/ports/mailer';
import { createTransport, type Transporter } from 'nodemailer';

export interface SmtpMailerOptions {
  /** `smtp://user:password@host:587` (STARTTLS where offered) or `smtps://…:465`. */
  readonly url: string;
  /** Sender, such as `Service Desk <service@example.com>`. */
  readonly from: string;
  /** Longest silence of the mail server; default 15,000 ms. */
  readonly timeoutMs?: number;
}

/** Hands mails to a mail server. `send` resolves when the server has taken the mail over. */
export class SmtpMailer implements Mailer {
  readonly #transport: Transporter;
  readonly #from: string;

  constructor(options: SmtpMailerOptions) {
    const timeout = options.timeoutMs ?? 15_000;
    const url = new URL(options.url);
    const secure = url.protocol === 'smtps:';
    this.#from = options.from;
    this.#transport = createTransport({
      host: url.hostname,
      port: url.port ? Number(url.port) : secure ? 465 : 587,
      secure,
      auth: url.username
        ? { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) }
        : undefined,
      pool: true,
      maxConnections: 3,
      connectionTimeout: timeout,
      greetingTimeout: timeout,
      socketTimeout: timeout,
    });
  }

  async send(mail: Mail): Promise<void> {
    await this.#transport.sendMail({
      from: this.#from,
      // As an object: a comma in an address must not make two recipients of it.
      to: { name: '', address: mail.to },
      subject: mail.subject,
      text: mail.text,
      // Keeps holiday notices from answering, and loops from starting (RFC 3834).
      headers: { 'Auto-Submitted': 'auto-generated' },
    });
  }

  async ping(): Promise<void> {
    await this.#transport.verify();
  }

  async close(): Promise<void> {
    this.#transport.close();
  }
}
