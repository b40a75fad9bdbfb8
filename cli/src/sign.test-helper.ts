import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { ensureSigningKey, signingKeyFile } from '@psa/appliance/signing/key-file';
import { type SigningKey, signatureOf } from '@psa/appliance/signing/minisign';
import { signatureFile } from './site/signature.ts';

/** The key that tests build with. */
export const testKey = async (): Promise<SigningKey> =>
  (await ensureSigningKey(signingKeyFile(process.env))).key;

/** Signs a file, with the tests' key unless another is given. */
export async function signFile(file: string, key?: SigningKey): Promise<void> {
  const signature = signatureOf(await readFile(file), basename(file), key ?? (await testKey()));
  await writeFile(signatureFile(file), signature);
}
