import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { apiPath } from './encode.ts';
import type { ProxmoxEngine } from './engine.ts';
import { type TaskOptions, type TaskResult, taskOf } from './tasks.ts';

/** A file to put into a storage. */
export interface Upload extends TaskOptions {
  readonly node: string;
  readonly storage: string;
  readonly content: 'vztmpl' | 'iso' | 'import';
  readonly file: string;
  /** Its name there; by itself that of the file. */
  readonly name?: string;
  /** Proxmox checks the arrived file against it. */
  readonly sha256?: string;
  readonly onProgress?: (sent: number, total: number) => void;
}

/**
 * Uploads a file and waits for the task that moves it into place. Sent once (and again for a lock, as any task); a
 * broken upload leaves nothing behind.
 */
export async function upload(engine: ProxmoxEngine, wanted: Upload): Promise<TaskResult> {
  const { node, storage, content, file, name = basename(file), sha256, onProgress } = wanted;
  if (/["\r\n]/.test(name)) throw new TypeError(`"${name}" cannot be a file name`);
  const { size } = await stat(file);
  const fields = {
    content,
    ...(sha256 === undefined ? {} : { 'checksum-algorithm': 'sha256', checksum: sha256 }),
  };
  const boundary = `psa-${randomBytes(18).toString('hex')}`;
  const part = (key: string, more: string, value = '') =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${key}"${more}\r\n\r\n${value}`;
  const head = Buffer.from(
    `${Object.entries(fields)
      .map(([key, value]) => `${part(key, '', value)}\r\n`)
      // The file comes last: Proxmox reads the fields before it.
      .join('')}${part('filename', `; filename="${name}"\r\nContent-Type: application/octet-stream`)}`,
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);

  async function* stream(): AsyncGenerator<Uint8Array> {
    yield head;
    let sent = 0;
    for await (const chunk of createReadStream(file, { highWaterMark: 256 * 1024 })) {
      yield chunk as Uint8Array;
      sent += (chunk as Uint8Array).length;
      onProgress?.(sent, size);
    }
    yield tail;
  }

  const path = apiPath`/nodes/${node}/storage/${storage}/upload`;
  const params = { ...fields, filename: name };
  const send = async () => {
    const headers = {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      // Proxmox takes no chunked bodies.
      'content-length': String(head.length + size + tail.length),
    };
    // A file takes as long as it takes; an hour without an end is a fault.
    const patience = { ...wanted, timeoutMs: wanted.timeoutMs ?? 60 * 60_000 };
    return (await engine.upload(path, params, { stream: stream(), headers }, patience)).data;
  };
  const options = { ...wanted, timeoutMs: undefined };
  const done = await engine.waitForLock(
    () => taskOf(engine, { method: 'POST', path, params }, send, options),
    options,
  );
  if (!done) throw new TypeError(`${path} answered without a task`);
  return done;
}
