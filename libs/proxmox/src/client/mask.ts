const SECRET_FIELDS =
  /^(password|confirmation-password|otp|tfa-challenge|response|secret|token|cipassword|encryption-key|private-key)$/;

/** Whether a parameter of this name is never shown. */
export const isSecretField = (name: string): boolean => SECRET_FIELDS.test(name);

/** Takes secrets out of texts: those it was told, and whatever looks like a token or a ticket. */
export class Mask {
  readonly #secrets = new Set<string>();

  /** Adds a secret. Very short ones are left: to hide them would blot out half of every text. */
  add(secret: string): void {
    if (secret.length < 4) return;
    this.#secrets.add(secret);
    this.#secrets.add(encodeURIComponent(secret));
  }

  /** The text without secrets. */
  hide(text: string, more: readonly string[] = []): string {
    let hidden = text
      .replaceAll(/PVEAPIToken=[^\s"']+/g, 'PVEAPIToken=***')
      .replaceAll(/PVE(?:VNC)?:[^\s:"']+:[0-9A-F]{8}::[^\s"']+/g, '***');
    for (const secret of [...this.#secrets, ...more])
      if (secret.length >= 4) hidden = hidden.replaceAll(secret, '***');
    return hidden;
  }
}
