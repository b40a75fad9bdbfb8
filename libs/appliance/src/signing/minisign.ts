import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';

/**
 * Signatures as minisign 0.12 makes and checks them (its man page, "Signature format"): Ed25519 over the BLAKE2b-512 of
 * the file, and over signature and trusted comment. So `minisign -Vm FILE -P KEY` checks them, too.
 */

/** A pair that signs. */
export interface SigningKey {
  /** Eight bytes that signatures name it by. */
  readonly id: Buffer;
  readonly privateKey: KeyObject;
  /** Base64 as inventories and minisign have it: `Ed`, id, public key. */
  readonly publicKey: string;
}

/** Base64 of 42 bytes that begin with `Ed`. */
export const PUBLIC_KEY = '^RW[Q-T][A-Za-z0-9+/]{53}$';

/** `30…` of RFC 8410, before the 32 bytes of a key. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

const rawPublic = (key: KeyObject) =>
  createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(SPKI.length);
const publicText = (id: Buffer, raw: Buffer) =>
  Buffer.concat([Buffer.from('Ed'), id, raw]).toString('base64');
/** As minisign shows it. */
const idText = (id: Buffer) => Buffer.from(id).reverse().toString('hex').toUpperCase();

/** A new pair. */
export function newSigningKey(): SigningKey {
  const { privateKey } = generateKeyPairSync('ed25519');
  const id = randomBytes(8);
  return { id, privateKey, publicKey: publicText(id, rawPublic(privateKey)) };
}

/** The pair as minisign keeps one without a password (`minisign -GW`). */
export function secretKeyText({ id, privateKey }: SigningKey): string {
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(PKCS8.length);
  const key = Buffer.concat([seed, rawPublic(privateKey)]);
  const kdf = Buffer.concat([Buffer.from([0, 0]), Buffer.from('B2'), Buffer.alloc(32 + 8 + 8)]);
  // Where there is no password nothing is opened, and the checksum, which tells a wrong one, is not looked at.
  const data = Buffer.concat([Buffer.from('Ed'), kdf, id, key, Buffer.alloc(32)]);
  return `untrusted comment: minisign secret key ${idText(id)}\n${data.toString('base64')}\n`;
}

/** Reads {@link secretKeyText}. @throws when it is none, or one with a password */
export function parseSecretKey(text: string): SigningKey {
  const data = Buffer.from(text.trim().split('\n')[1] ?? '', 'base64');
  if (data.length !== 158 || data.toString('latin1', 0, 2) !== 'Ed')
    throw new Error('It is not a secret key of minisign.');
  if (data.readUInt16LE(2) !== 0) throw new Error('It has a password; psactl uses keys without one.');
  const id = data.subarray(54, 62);
  const seed = data.subarray(62, 94);
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
  return { id, privateKey, publicKey: publicText(id, rawPublic(privateKey)) };
}

const digestOf = (content: Buffer) => createHash('blake2b512').update(content).digest();
const commentOf = (name: string) => `file:${name}\thashed`;

/** The text of `NAME.minisig`. The name is signed, too: a signature is for one file of one version. */
export function signatureOf(content: Buffer, name: string, { id, privateKey }: SigningKey): string {
  const signature = sign(null, digestOf(content), privateKey);
  const comment = commentOf(name);
  const whole = sign(null, Buffer.concat([signature, Buffer.from(comment)]), privateKey);
  return [
    `untrusted comment: signature of psactl with key ${idText(id)}`,
    Buffer.concat([Buffer.from('ED'), id, signature]).toString('base64'),
    `trusted comment: ${comment}`,
    whole.toString('base64'),
    '',
  ].join('\n');
}

/** Why a signature does not hold for a content of that name; null: it holds. `publicKeys`: any of them will do. */
export function signatureFault(
  content: Buffer,
  name: string,
  signature: string,
  publicKeys: readonly string[],
): string | null {
  const [, first = '', trusted = '', last = ''] = signature.split('\n');
  const data = Buffer.from(first, 'base64');
  const whole = Buffer.from(last, 'base64');
  const comment = /^trusted comment: (.*)$/.exec(trusted)?.[1];
  if (
    data.length !== 74 ||
    data.toString('latin1', 0, 2) !== 'ED' ||
    whole.length !== 64 ||
    comment === undefined
  )
    return 'its signature is not whole';
  const [id, own] = [data.subarray(2, 10), data.subarray(10)];
  const keys = publicKeys.map((text) => Buffer.from(text, 'base64'));
  const key = keys.find((one) => one.subarray(2, 10).equals(id));
  if (!key) return `it is signed with the key ${idText(id)}, which the inventory does not name`;
  const publicKey = createPublicKey({
    ...{ key: Buffer.concat([SPKI, key.subarray(10)]), format: 'der', type: 'spki' },
  });
  if (!verify(null, digestOf(content), publicKey, own)) return 'it was changed after it was signed';
  if (!verify(null, Buffer.concat([own, Buffer.from(comment)]), publicKey, whole))
    return 'the comment of its signature was changed';
  if (comment.split('\t')[0] !== `file:${name}`)
    return `its signature is that of another file (${comment.split('\t')[0]})`;
  return null;
}
