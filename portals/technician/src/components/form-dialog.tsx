import { newIdempotencyKey } from '@psa/app/api/client';
import { ApiError } from '@psa/app/api/error';
import { DraftNote } from '@psa/app/components/draft-note';
import { ErrorText } from '@psa/app/components/error-state';
import type { Draft } from '@psa/app/drafts/use-draft';
import { Button } from '@psa/ui/components/button';
import { Dialog } from '@psa/ui/components/dialog';
import { Alert } from '@psa/ui/components/states';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import {
  type FormEvent,
  type KeyboardEvent,
  type ReactNode,
  useEffect,
  useId,
  useRef,
  useState,
} from 'react';

export interface FormDialogProps<T extends object> {
  title: string;
  wide?: boolean;
  draft: Draft<T>;
  /** Nothing is sent while it is false; the fields say why, once `tried`. */
  isValid: boolean;
  /** Said when somebody else was faster (412). */
  conflict: string;
  /** Saves; what it throws is shown. The key is the same for a second try whose first may have succeeded. */
  onSave: (idempotencyKey: string) => Promise<unknown>;
  onClose: () => void;
  /** What is done, on the button; default "Save". */
  submitLabel?: string;
  /** Beside the buttons, e.g. a way to delete. */
  extra?: ReactNode;
  children: (state: { tried: boolean; error: unknown }) => ReactNode;
}

/** Ctrl or ⌘ and Enter sends from any field, also where Enter alone is a line. */
function submitByKeys(event: KeyboardEvent<HTMLFormElement>): void {
  if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  event.currentTarget.requestSubmit();
}

const toWrongField = (form: HTMLFormElement | null) =>
  form?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();

/** A dialog that creates or changes one thing, whatever its fields are. What was typed stays until it is saved. */
export function FormDialog<T extends object>(props: FormDialogProps<T>) {
  const u = uiMessages.useT();
  const formId = useId();
  const { draft } = props;
  const [tried, setTried] = useState(false);
  const [saving, setSaving] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const key = useRef<{ of: string; key: string } | null>(null);
  const form = useRef<HTMLFormElement>(null);
  const giveUp = () => {
    draft.clear();
    props.onClose();
  };

  // What was refused is marked by then.
  useEffect(() => {
    if (error !== null) toWrongField(form.current);
  }, [error]);

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    setTried(true);
    if (saving) return;
    if (!props.isValid) {
      setTimeout(() => toWrongField(form.current));
      return;
    }
    setSaving(true);
    setError(null);
    const of = JSON.stringify(draft.value);
    if (key.current?.of !== of) key.current = { of, key: newIdempotencyKey() };
    try {
      await props.onSave(key.current.key);
      giveUp();
    } catch (thrown) {
      // A try that no answer came to may have succeeded: the next one is the same request.
      if (thrown instanceof ApiError && !thrown.transient) key.current = null;
      setError(thrown);
      setSaving(false);
    }
  }

  return (
    <Dialog
      title={props.title}
      isOpen
      keepsText
      wide={props.wide ?? false}
      onClose={props.onClose}
      footer={
        <>
          {props.extra}
          <span className="spacer" />
          <Button onPress={giveUp}>{u('action.cancel')}</Button>
          <Button type="submit" form={formId} kind="primary" isPending={saving}>
            {props.submitLabel ?? u('action.save')}
          </Button>
        </>
      }
    >
      <form id={formId} ref={form} className="stack" onSubmit={submit} onKeyDown={submitByKeys} noValidate>
        <DraftNote draft={draft} />
        {error !== null && (
          <Alert tone="danger">
            {error instanceof ApiError && error.status === 412 ? props.conflict : <ErrorText error={error} />}
          </Alert>
        )}
        {props.children({ tried, error })}
      </form>
    </Dialog>
  );
}
