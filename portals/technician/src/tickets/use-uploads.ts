import { newIdempotencyKey } from '@psa/ui/api-client';
import { ApiError } from '@psa/ui/api-error';
import { uploadFile } from '@psa/ui/upload';
import { useRef, useState } from 'react';
import type { Attachment } from '../api/types.ts';

export type UploadState = { share: number } | { error: unknown } | 'done';

/** Uploads files to tickets one after the other and knows how far each has got. A file is sent once, however often it is tried. */
export function useUploads() {
  const [states, setStates] = useState<ReadonlyMap<File, UploadState>>(new Map());
  const keys = useRef(new WeakMap<File, string>());
  const set = (file: File, state: UploadState) => setStates((all) => new Map(all).set(file, state));

  /** Sends the files that have not got there yet; returns those that failed. */
  async function upload(
    ticketId: string,
    files: readonly File[],
    fields: { visibility: 'public' | 'internal'; comment_id?: string },
  ): Promise<File[]> {
    const failed: File[] = [];
    for (const file of files) {
      if (states.get(file) === 'done') continue;
      let key = keys.current.get(file);
      if (!key) {
        key = newIdempotencyKey();
        keys.current.set(file, key);
      }
      set(file, { share: 0 });
      try {
        await uploadFile<Attachment>(`/tickets/${ticketId}/attachments`, file, {
          fields,
          idempotencyKey: key,
          onProgress: (share) => set(file, { share }),
        });
        set(file, 'done');
      } catch (error) {
        // A refusal was an answer: the next try is another request.
        if (error instanceof ApiError && !error.transient) keys.current.delete(file);
        set(file, { error });
        failed.push(file);
      }
    }
    return failed;
  }
  return { states, upload, forget: () => setStates(new Map()) };
}
