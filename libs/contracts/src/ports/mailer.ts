export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** Sends mail. Adapters: SMTP (nodemailer) and a log that keeps the last mails for trying out and for tests. */
export interface Mailer {
  send(mail: Mail): Promise<void>;
  ping(): Promise<void>;
  close(): Promise<void>;
}
