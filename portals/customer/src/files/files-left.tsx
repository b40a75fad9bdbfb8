import { canRetry } from '@psa/app/uploads/upload-queue';
import type { Uploads } from '@psa/app/uploads/use-uploads';
import { Button } from '@psa/ui/components/button';
import { Icon } from '@psa/ui/components/icon';
import { Alert } from '@psa/ui/components/states';
import { useEffect, useRef } from 'react';
import { messages } from '../i18n/messages.ts';
import { UploadMark } from './upload-mark.tsx';

/** The text has arrived, some files have not: they can be sent again, or left out. */
export function FilesLeft(props: {
  title: string;
  uploads: Uploads;
  onRetry: () => void;
  skipLabel: string;
  onSkip: () => void;
}) {
  const t = messages.useT();
  const left = props.uploads.items.filter((item) => item.status !== 'done');
  const heading = useRef<HTMLHeadingElement>(null);
  // The form that had the focus is gone; what replaces it says so.
  useEffect(() => heading.current?.focus(), []);
  return (
    <section className="card stack" aria-labelledby="files-left">
      <h2 id="files-left" ref={heading} tabIndex={-1}>
        {props.title}
      </h2>
      <Alert tone="warn">{t('files.left', { count: left.length })}</Alert>
      <ul className="file-list">
        {left.map((item) => (
          <li key={item.key} className="file-item file-item-wrap">
            <Icon name="file" />
            <span className="file-name">{item.file.name}</span>
            <UploadMark item={item} />
          </li>
        ))}
      </ul>
      <div className="row row-wrap">
        {left.some(canRetry) && (
          <Button kind="primary" icon="refresh" isPending={props.uploads.isSending} onPress={props.onRetry}>
            {t('files.retry')}
          </Button>
        )}
        <Button isDisabled={props.uploads.isSending} onPress={props.onSkip}>
          {props.skipLabel}
        </Button>
      </div>
    </section>
  );
}
