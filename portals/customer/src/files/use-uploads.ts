import { uploadFile } from '@psa/ui/upload';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { type UploadItem, UploadQueue } from './upload-queue.ts';

export interface Uploads {
  items: readonly UploadItem[];
  files: File[];
  isSending: boolean;
  choose: (files: readonly File[]) => void;
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
  return {
    items,
    files: items.map((item) => item.file),
    isSending,
    choose: (files) => queue.choose(files),
    send: (path, fields) =>
      queue.send((file, { key, onProgress }) =>
        uploadFile(path, file, { idempotencyKey: key, onProgress, ...(fields ? { fields } : {}) }),
      ),
  };
}
