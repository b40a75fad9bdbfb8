import { useEffect, useState, useSyncExternalStore } from 'react';
import { uploadFile } from '../api/upload.ts';
import { type UploadItem, UploadQueue } from './upload-queue.ts';

export interface Uploads {
  items: readonly UploadItem[];
  files: File[];
  isSending: boolean;
  choose: (files: readonly File[]) => void;
  itemOf: (file: File) => UploadItem | undefined;
  /** Those that have not arrived. */
  missing: () => File[];
  /** Leaves only what is missing. */
  forgetSent: () => void;
  /** Sends what is missing to `path`; true when all arrived. */
  send: (path: string, fields?: Record<string, string>) => Promise<boolean>;
}

/** Chosen files and their way to the server. Leaving the page while they are on it is asked about. */
export function useUploads(): Uploads {
  const [queue] = useState(() => new UploadQueue());
  const items = useSyncExternalStore(queue.subscribe, queue.items);
  const isSending = items.some((item) => item.status === 'sending');
  useEffect(() => {
    if (!isSending) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [isSending]);
  // Of the moment, not of the last render: asked right after sending.
  const missing = () =>
    queue
      .items()
      .filter(({ status }) => status !== 'done')
      .map(({ file }) => file);
  return {
    items,
    files: items.map((item) => item.file),
    isSending,
    choose: (files) => queue.choose(files),
    itemOf: (file) => items.find((item) => item.file === file),
    missing: () => missing(),
    forgetSent: () => queue.choose(missing()),
    send: (path, fields) =>
      queue.send((file, { key, onProgress }) =>
        uploadFile(path, file, { idempotencyKey: key, onProgress, ...(fields ? { fields } : {}) }),
      ),
  };
}
