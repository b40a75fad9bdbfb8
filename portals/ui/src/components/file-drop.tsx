import { type DragEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { addFiles, type FileLimits, type FileRefusal } from '../file-check.ts';
import { useFormats } from '../i18n/format.ts';
import { uiMessages } from '../i18n/ui-messages.ts';
import { Button, IconButton } from './button.tsx';
import { Icon } from './icon.tsx';

export interface FileDropProps extends FileLimits {
  label: string;
  files: readonly File[];
  onChange: (files: File[]) => void;
  /** Beside a file's name: its upload state. */
  fileState?: (file: File) => ReactNode;
  isDisabled?: boolean;
  /** A button alone, without the frame to drop on: files are dropped anywhere on the form around. */
  compact?: boolean;
}

/** What was refused of a choice, and the files that were there after it. */
interface Refusals {
  readonly refused: readonly FileRefusal[];
  readonly beside: readonly File[];
}
const NONE: Refusals = { refused: [], beside: [] };
const sameFiles = (a: readonly File[], b: readonly File[]) =>
  a.length === b.length && a.every((file, index) => file === b[index]);

/** Files by dragging, by pasting (a screenshot into the reply field beside it counts) or by a button. */
export function FileDrop({
  label,
  files,
  onChange,
  fileState,
  isDisabled,
  compact,
  ...limits
}: FileDropProps) {
  const t = uiMessages.useT();
  const formats = useFormats();
  const input = useRef<HTMLInputElement>(null);
  const zone = useRef<HTMLElement>(null);
  const [over, setOver] = useState(false);
  const [refusals, setRefused] = useState<Refusals>({ refused: [], beside: files });
  // They speak of one choice: once a file of it was removed, or all were sent, they are over.
  const refused = sameFiles(refusals.beside, files) ? refusals.refused : [];

  const take = (incoming: readonly File[]) => {
    if (isDisabled || incoming.length === 0) return;
    // Where there is room for one, another choice takes its place.
    const present = limits.maxFiles === 1 ? [] : files;
    const result = addFiles(present, incoming, limits);
    setRefused({ refused: result.refused, beside: result.files });
    if (result.files.length > present.length) onChange(result.files);
  };
  const latest = useRef(take);
  useEffect(() => {
    latest.current = take;
  });

  useEffect(() => {
    // Pasting works in the whole form around, because that is where the cursor is.
    const scope = zone.current?.closest('form') ?? zone.current;
    const onPaste = (event: Event) => {
      const pasted = [...((event as ClipboardEvent).clipboardData?.files ?? [])];
      if (pasted.length === 0) return;
      event.preventDefault();
      latest.current(pasted);
    };
    // What is sent goes without the refused ones, so nothing is left to be said of them.
    const onSubmit = () => setRefused(NONE);
    scope?.addEventListener('paste', onPaste);
    scope?.addEventListener('submit', onSubmit);
    return () => {
      scope?.removeEventListener('paste', onPaste);
      scope?.removeEventListener('submit', onSubmit);
    };
  }, []);

  useEffect(() => {
    if (!compact) return;
    const scope = zone.current?.closest('form') ?? zone.current;
    const onDragOver = (event: globalThis.DragEvent) => {
      if (event.dataTransfer?.types.includes('Files')) event.preventDefault();
    };
    const onDrop = (event: globalThis.DragEvent) => {
      const dropped = [...(event.dataTransfer?.files ?? [])];
      if (dropped.length === 0) return;
      event.preventDefault();
      latest.current(dropped);
    };
    scope?.addEventListener('dragover', onDragOver);
    scope?.addEventListener('drop', onDrop);
    return () => {
      scope?.removeEventListener('dragover', onDragOver);
      scope?.removeEventListener('drop', onDrop);
    };
  }, [compact]);

  const hasFiles = (event: DragEvent) => event.dataTransfer.types.includes('Files');
  const say = (refusal: FileRefusal): string => {
    if (refusal.reason === 'too_many') return t('file.too_many', { count: limits.maxFiles });
    if (refusal.reason === 'wrong_type') return t('file.wrong_type', { name: refusal.name });
    if (refusal.reason === 'empty') return t('file.empty', { name: refusal.name });
    return t('file.too_large', { name: refusal.name, max: formats.bytes(limits.maxBytes) });
  };

  const choose = (
    <>
      <Button icon="paperclip" isDisabled={!!isDisabled} onPress={() => input.current?.click()}>
        {t('file.browse', { count: limits.maxFiles })}
      </Button>
      <input
        ref={input}
        type="file"
        multiple={limits.maxFiles > 1}
        accept={limits.accept?.join(',')}
        hidden
        aria-label={label}
        onChange={(event) => {
          take([...(event.target.files ?? [])]);
          event.target.value = '';
        }}
      />
    </>
  );
  return (
    <section ref={zone} aria-label={label} className={compact ? 'file-field-compact' : 'stack'}>
      {compact ? (
        <div>{choose}</div>
      ) : (
        // biome-ignore lint/a11y/noStaticElementInteractions: dropping is an addition to the button inside
        <div
          className="file-drop"
          data-over={over || undefined}
          onDragOver={(event) => {
            if (!hasFiles(event) || isDisabled) return;
            event.preventDefault();
            event.dataTransfer.dropEffect = 'copy';
            setOver(true);
          }}
          onDragLeave={(event) => {
            if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
          }}
          onDrop={(event) => {
            if (!hasFiles(event)) return;
            event.preventDefault();
            setOver(false);
            take([...event.dataTransfer.files]);
          }}
        >
          {choose}
          <span className="hint">{t('file.drop', { count: limits.maxFiles })}</span>
        </div>
      )}
      <div role="alert">
        {refused.map((refusal) => (
          <p key={say(refusal)} className="field-error row">
            {say(refusal)}
            <IconButton
              icon="close"
              label={t('toast.dismiss')}
              onPress={() => setRefused({ ...refusals, refused: refused.filter((one) => one !== refusal) })}
            />
          </p>
        ))}
      </div>
      {files.length > 0 && (
        <ul className="file-list" aria-label={t('file.list')}>
          {files.map((file) => (
            <li key={`${file.name}/${file.size}/${file.lastModified}`} className="file-item">
              <Icon name="file" />
              <span className="file-name">{file.name}</span>
              <span className="muted num">{formats.bytes(file.size)}</span>
              {fileState?.(file)}
              <span className="spacer" />
              <IconButton
                icon="close"
                label={t('action.remove', { name: file.name })}
                isDisabled={!!isDisabled}
                onPress={() => onChange(files.filter((f) => f !== file))}
              />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
