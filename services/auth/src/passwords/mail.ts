import type { Mail } from '@psa/contracts/ports/mailer';
import type { Tx } from '@psa/service-kit/database';
import type { ServiceDeps } from '@psa/service-kit/service';
import { setTimer, type TimerHandler, timerWorker } from '@psa/service-kit/timers';

/** Timers of this kind are mails waiting to be sent. */
const KIND = 'mail';

interface Recipient {
  readonly email: string;
  readonly name: string;
  readonly locale: 'de' | 'en';
}

/** The mail with the link to set a new password. */
export function resetMail(to: Recipient, link: string): Mail {
  return to.locale === 'de'
    ? {
        to: to.email,
        subject: 'Passwort zurücksetzen',
        text: `Guten Tag ${to.name},\n\nfür Ihr Konto wurde ein neues Passwort angefordert. Über diesen Link legen Sie es fest, er gilt eine Stunde:\n\n${link}\n\nHaben Sie das nicht angefordert? Dann können Sie diese Nachricht ignorieren, Ihr Passwort bleibt, wie es ist.\n`,
      }
    : {
        to: to.email,
        subject: 'Reset your password',
        text: `Hello ${to.name},\n\na new password was requested for your account. Set it with this link, which is valid for one hour:\n\n${link}\n\nIf this was not you, ignore this message; your password stays as it is.\n`,
      };
}

/** The mail with the link of an invitation. */
export function inviteMail(to: Recipient, tenant: string, link: string): Mail {
  return to.locale === 'de'
    ? {
        to: to.email,
        subject: `Ihr Zugang bei ${tenant}`,
        text: `Guten Tag ${to.name},\n\nfür Sie wurde bei ${tenant} ein Zugang eingerichtet. Über diesen Link legen Sie Ihr Passwort fest, er gilt sieben Tage:\n\n${link}\n`,
      }
    : {
        to: to.email,
        subject: `Your account with ${tenant}`,
        text: `Hello ${to.name},\n\nan account with ${tenant} was set up for you. Choose your password with this link, which is valid for seven days:\n\n${link}\n`,
      };
}

type MailDeps = Pick<ServiceDeps, 'cipher' | 'ids' | 'clock' | 'mailer' | 'db' | 'log'>;

/**
 * Sends a mail if and only if the transaction commits, again and again until the mail server takes it. It waits
 * encrypted: the link in it is as good as a password.
 */
export async function sendLater(deps: MailDeps, tx: Tx, tenantId: string, mail: Mail): Promise<void> {
  const key = deps.ids.uuid();
  await setTimer(tx, {
    tenant_id: tenantId,
    kind: KIND,
    key,
    due_at: deps.clock.now(),
    payload: { sealed: deps.cipher.encrypt(JSON.stringify(mail), contextOf(key)) },
  });
}

const contextOf = (key: string) => `auth.timers.mail.${key}`;

/** Sends what waits; failures are tried again with growing delay. */
export function mailWorker(deps: MailDeps) {
  const send: TimerHandler = async (_tx, timer) => {
    const text = deps.cipher.decrypt(String(timer.payload.sealed), contextOf(timer.key));
    await deps.mailer.send(JSON.parse(text) as Mail);
  };
  return timerWorker({ db: deps.db, clock: deps.clock, log: deps.log, handlers: { [KIND]: send } });
}
