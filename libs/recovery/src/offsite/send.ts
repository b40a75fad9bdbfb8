import { PassThrough, type Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { decrypted, encrypted } from '../age.ts';
import { writeArtefact } from '../artefact.ts';
import { artefactFile, parseArtefactId } from '../artefact-name.ts';
import type { SiteManifest } from '../manifest.ts';
import { countingStream, fillWhole, type Sum, sealErrorOf, throwCause } from '../sealed.ts';
import { copyName, newAttempt } from './copy-name.ts';
import { type Rclone, RemoteError } from './rclone.ts';
import { type Receipt, receiptText } from './receipt.ts';

/** A backup that is to be copied outside. */
export interface Sending {
  readonly manifest: SiteManifest;
  /** Who will be able to open the copy: `age1…`. Their secret keys are needed by nobody here. */
  readonly recipients: readonly string[];
  /** Writes the artefact's bytes, and does not end the stream. */
  read(into: Writable): Promise<void>;
}

/**
 * Encrypts a backup on this side, streams it to a remote, reads it back from there, and writes its receipt. Only then it
 * counts. Nothing on the remote is written over or removed, so credentials that may do neither are enough.
 * @throws RemoteError, ArtefactError when what was read is not what the manifest names, or came back otherwise
 */
export async function sendOffsite(remote: Rclone, { manifest, recipients, read }: Sending): Promise<Receipt> {
  if (recipients.length === 0)
    throw new RemoteError(`Unable to copy ${manifest.id} outside: it has no recipient.`);
  const attempt = newAttempt();
  const { id } = manifest;
  const plain = countingStream();
  const content = await putSealed(remote, copyName(id, attempt, 'content'), recipients, async (into) => {
    const passing = pipeline(plain.stream, into, { end: false });
    throwCause(await Promise.allSettled([fillWhole(plain.stream, read), passing]));
    // Before the end: what is wrong is never whole on the remote either.
    if (plain.sum().sha256 !== manifest.sha256)
      throw new RemoteError(`Unable to copy ${id} outside: what was read is not what its manifest names.`);
  });
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  const sealedManifest = await putSealed(
    remote,
    copyName(id, attempt, 'manifest'),
    recipients,
    async (into) => {
      into.write(text);
    },
  );
  const receipt: Receipt = {
    ...{ receipt: 1, id, attempt, at: manifest.at, site: manifest.site, tier: manifest.tier },
    ...(manifest.after && { after: manifest.after }),
    ...{ content, manifest: sealedManifest, recipients, verified_at: new Date().toISOString() },
  };
  const name = copyName(id, attempt, 'receipt');
  await remote.put(name, async (into) => void into.write(receiptText(receipt)));
  return receipt;
}

/** Writes an encrypted object and reads it back. */
async function putSealed(
  remote: Rclone,
  name: string,
  recipients: readonly string[],
  fill: (into: Writable) => Promise<void>,
): Promise<Sum> {
  const sealed = countingStream();
  await remote.put(name, async (out) => {
    const plain = new PassThrough();
    const closed = await encrypted(plain, recipients);
    const sending = pipeline(closed, sealed.stream, out, { end: false });
    throwCause(await Promise.allSettled([fillWhole(plain, fill), sending]));
  });
  const sent = sealed.sum();
  const back = await remote.sum(name);
  if (back.sha256 !== sent.sha256)
    throw new RemoteError(`Unable to copy to ${remote}: ${name} reads otherwise there than it was written.`);
  return sent;
}

/**
 * Reads a copy on a remote to its last byte, against its receipt.
 * @throws RemoteError when it is not what that says
 */
export async function verifyCopy(remote: Rclone, { id, attempt, content, manifest }: Receipt): Promise<void> {
  for (const [part, wanted] of [
    ['content', content],
    ['manifest', manifest],
  ] as const) {
    const seen = await remote.sum(copyName(id, attempt, part));
    if (seen.sha256 !== wanted.sha256)
      throw new RemoteError(
        `${id} on ${remote} does not restore: its ${part} is not what its receipt names.`,
      );
  }
}

/**
 * Brings a copy back from a remote into a folder, as the backup that it was, with its manifest beside it.
 * @param identity the secret key of one of its recipients
 * @throws SealError when it was closed for another key, or is damaged; RemoteError when it is not what it should be
 */
export async function fetchCopy(
  remote: Rclone,
  receipt: Receipt,
  identity: string,
  folder: string,
): Promise<SiteManifest> {
  const { id, attempt } = receipt;
  const text: Buffer[] = [];
  await openSealed(remote, copyName(id, attempt, 'manifest'), identity, async (content) => {
    for await (const chunk of content) text.push(chunk as Buffer);
  });
  const manifest = JSON.parse(Buffer.concat(text).toString('utf8')) as SiteManifest;
  if (manifest.id !== id || parseArtefactId(id)?.kind !== manifest.kind)
    throw new RemoteError(`${id} on ${remote} does not restore: its manifest is that of ${manifest.id}.`);
  await writeArtefact({
    ...{ file: `${folder}/${artefactFile(id)}`, recipients: [], limit: null, isCopy: true },
    async fill(into) {
      await openSealed(remote, copyName(id, attempt, 'content'), identity, (content) =>
        pipeline(content, into, { end: false }),
      );
      return {};
    },
    describe: ({ sum }) => {
      if (sum.sha256 !== manifest.sha256)
        throw new RemoteError(`${id} on ${remote} does not restore: it is not what its manifest names.`);
      return manifest;
    },
  });
  return manifest;
}

async function openSealed(
  remote: Rclone,
  name: string,
  identity: string,
  take: (content: Readable) => Promise<void>,
): Promise<void> {
  await remote.read(name, async (sealed) => {
    try {
      await take(await decrypted(sealed, identity));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code?.startsWith('E') && !code.startsWith('ERR_')) throw error;
      throw sealErrorOf(error as Error, name);
    }
  });
}
