import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** Keys by id; the one named `current` encrypts, all decrypt. 32 bytes each. */
export interface FieldKeys {
  readonly current: string;
  readonly keys: Readonly<Record<string, Buffer>>;
}

/** Encrypts single fields (keys, secrets) with AES-256-GCM, a random 96-bit nonce each (NIST SP 800-38D §8.2.2). */
export interface FieldCipher {
  /** `context` (table and row) is authenticated with it, so that a ciphertext cannot be moved to another row. */
  encrypt(plain: string, context: string): string;
  /** @throws when the text was altered, moved, or its key is unknown. */
  decrypt(text: string, context: string): string;
  /** True when the text is under an older key and should be encrypted anew. */
  isStale(text: string): boolean;
}

/** Ciphertext form: `v1.<key id>.<base64url of nonce ‖ ciphertext ‖ tag>`. */
export function fieldCipher(fieldKeys: FieldKeys): FieldCipher {
  for (const [id, key] of Object.entries(fieldKeys.keys)) {
    if (!/^[A-Za-z0-9_-]{1,20}$/.test(id)) throw new Error(`"${id}" is no id for a field key.`);
    if (key.length !== 32) throw new Error(`Field key ${id} must have 32 bytes, has ${key.length}.`);
  }
  const keyOf = (id: string) => {
    const key = fieldKeys.keys[id];
    if (!key) throw new Error(`Field key ${id} is unknown.`);
    return key;
  };
  keyOf(fieldKeys.current);
  return {
    encrypt(plain, context) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', keyOf(fieldKeys.current), nonce);
      cipher.setAAD(Buffer.from(context));
      const body = Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return `v1.${fieldKeys.current}.${body.toString('base64url')}`;
    },
    decrypt(text, context) {
      const [version, id, encoded] = text.split('.');
      if (version !== 'v1' || !id || !encoded) throw new Error('This is no encrypted field.');
      const body = Buffer.from(encoded, 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', keyOf(id), body.subarray(0, 12), {
        authTagLength: 16,
      });
      decipher.setAAD(Buffer.from(context));
      decipher.setAuthTag(body.subarray(-16));
      return Buffer.concat([decipher.update(body.subarray(12, -16)), decipher.final()]).toString('utf8');
    },
    isStale: (text) => text.split('.')[1] !== fieldKeys.current,
  };
}
