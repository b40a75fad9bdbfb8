import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from 'node:crypto';

/** A key pair as OpenSSH reads it. */
export interface SshKey {
  /** The private key's file, in PEM. */
  readonly privateKey: string;
  /** `ssh-ed25519 AAAA…`, without a comment. */
  readonly publicKey: string;
}

const TYPE = 'ssh-ed25519';
const LABEL = 'OPENSSH PRIVATE KEY';
/** Before the 32 bytes of a private key in PKCS #8 (RFC 8410, section 7). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * An Ed25519 key pair that follows from a secret: the same secret and purpose give the same key, so that both ends of a
 * connection are configured without either having to tell the other. Its private part is in OpenSSH's own form
 * (PROTOCOL.key), for its version 9.2 reads Ed25519 in no other.
 * @param secret hexadecimal, 256 bits @param purpose what tells this key from others of the same secret
 */
export function sshKey(secret: string, purpose: string): SshKey {
  const seed = Buffer.from(hkdfSync('sha256', Buffer.from(secret, 'hex'), '', `psa ssh ${purpose}`, 32));
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
  const point = pointOf(key);
  const blob = Buffer.concat([field(TYPE), field(point)]);
  // Written twice: a wrong passphrase would show by it. There is none.
  const check = Buffer.from(hkdfSync('sha256', seed, '', 'check', 4));
  const inner = Buffer.concat([
    ...[check, check, field(TYPE), field(point), field(Buffer.concat([seed, point])), field(purpose)],
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (inner.length % 8)) % 8 }, (_, at) => at + 1));
  const whole = Buffer.concat([
    ...[Buffer.from('openssh-key-v1\0'), field('none'), field('none'), field(''), uint32(1)],
    ...[field(blob), field(Buffer.concat([inner, padding]))],
  ]);
  const lines = whole.toString('base64').match(/.{1,70}/g)!;
  return {
    privateKey: `-----BEGIN ${LABEL}-----\n${lines.join('\n')}\n-----END ${LABEL}-----\n`,
    publicKey: `${TYPE} ${blob.toString('base64')}`,
  };
}

const pointOf = (key: KeyObject): Buffer =>
  Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x!, 'base64url');

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}

/** A string of RFC 4251, section 5: its length, then its bytes. */
function field(value: string | Buffer): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([uint32(bytes.length), bytes]);
}
