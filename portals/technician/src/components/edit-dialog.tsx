import { newIdempotencyKey } from '@psa/app/api/client';
import { ApiError } from '@psa/app/api/error';
import { DraftNote } from '@psa/app/components/draft-note';
import { ErrorText } from '@psa/app/components/error-state';
import { useDraft } from '@psa/app/drafts/use-draft';
import { Button } from '@psa/ui/components/button';
import { Checkbox } from '@psa/ui/components/checkbox';
import { Dialog } from '@psa/ui/components/dialog';
import { NativeSelect } from '@psa/ui/components/native-select';
import { Alert } from '@psa/ui/components/states';
import { TextArea, TextField } from '@psa/ui/components/text-field';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { type FormEvent, type ReactNode, useId, useRef, useState } from 'react';

/** One field of a dialog. Values are text; `boolean` ones are '' or 'on', `moment` ones as of a field of date and time. */
export interface EditField {
  name: string;
  label: string;
  kind?: 'line' | 'text' | 'select' | 'boolean' | 'email' | 'password' | 'moment';
  options?: readonly { value: string; label: string }[];
  hint?: string;
  required?: boolean;
  maxLength?: number;
}

const INPUT_TYPES = { line: 'text', email: 'email', password: 'password', moment: 'datetime-local' } as const;

export type Values = Readonly<Record<string, string>>;

export interface EditDialogProps {
  /** Under which what is typed is kept while the dialog is closed: the kind of thing and its id, or `new`. */
  draft: string;
  title: string;
  fields: readonly EditField[];
  values: Values;
  /** Said under a required field that is empty. */
  missing: string;
  /** Said when somebody else was faster (412). */
  conflict: string;
  /** What is wrong with the values, by field; nothing is sent while there is anything. */
  check?: (values: Values) => Values;
  /** Saves; what it throws is shown in the dialog, beside the fields that it names. */
  onSave: (values: Values, idempotencyKey: string) => Promise<unknown>;
  onClose: () => void;
  /** Beside the buttons, e.g. a way to delete. */
  extra?: ReactNode;
}

/** Creates or changes one thing. What was typed stays until it is saved; a second try is the same request. */
export function EditDialog(props: EditDialogProps) {
  const u = uiMessages.useT();
  const formId = useId();
  const draft = useDraft<Values>(`edit.${props.draft}`, props.values, {
    secret: props.fields.filter(({ kind }) => kind === 'password').map(({ name }) => name),
  });
  const values = draft.value;
  const giveUp = () => {
    draft.clear();
    props.onClose();
  };
  const [tried, setTried] = useState(false);
  const [saving, setSaving] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const key = useRef<{ of: string; key: string } | null>(null);
  const form = useRef<HTMLFormElement>(null);
  const refused = error instanceof ApiError ? error.fieldErrors() : {};
  const get = (name: string) => values[name] ?? '';
  const wrong: Values = {
    ...props.check?.(values),
    ...Object.fromEntries(
      props.fields
        .filter((field) => field.required && get(field.name).trim() === '')
        .map((field) => [field.name, props.missing]),
    ),
  };
  const problem = (field: EditField) =>
    (tried ? wrong[field.name] : undefined) ?? refused[field.name] ?? null;

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    setTried(true);
    if (saving) return;
    if (Object.keys(wrong).length > 0) {
      setTimeout(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
      return;
    }
    setSaving(true);
    setError(null);
    const of = JSON.stringify(values);
    if (key.current?.of !== of) key.current = { of, key: newIdempotencyKey() };
    try {
      await props.onSave(values, key.current.key);
      giveUp();
    } catch (thrown) {
      if (thrown instanceof ApiError && !thrown.transient) key.current = null;
      setError(thrown);
      setSaving(false);
    }
  }

  return (
    <Dialog
      title={props.title}
      isOpen
      onClose={props.onClose}
      footer={
        <>
          {props.extra}
          <span className="spacer" />
          <Button onPress={giveUp}>{u('action.cancel')}</Button>
          <Button type="submit" form={formId} kind="primary" isPending={saving}>
            {u('action.save')}
          </Button>
        </>
      }
    >
      <form id={formId} ref={form} className="stack" onSubmit={submit} noValidate>
        <DraftNote draft={draft} />
        {error !== null && (
          <Alert tone="danger">
            {error instanceof ApiError && error.status === 412 ? props.conflict : <ErrorText error={error} />}
          </Alert>
        )}
        {props.fields.map((field, index) => {
          const common = {
            label: field.label,
            value: get(field.name),
            onChange: (value: string) => draft.change({ [field.name]: value }),
            error: problem(field),
          };
          switch (field.kind) {
            case 'select':
              return <NativeSelect key={field.name} {...common} options={field.options ?? []} />;
            case 'boolean':
              return (
                <Checkbox
                  key={field.name}
                  isSelected={common.value === 'on'}
                  onChange={(on) => common.onChange(on ? 'on' : '')}
                >
                  {field.label}
                </Checkbox>
              );
            case 'text':
              return (
                <TextArea
                  key={field.name}
                  {...common}
                  hint={field.hint}
                  maxLength={field.maxLength ?? 10_000}
                />
              );
            default:
              return (
                <TextField
                  key={field.name}
                  {...common}
                  autoFocus={index === 0}
                  type={INPUT_TYPES[field.kind ?? 'line']}
                  autoComplete={field.kind === 'password' ? 'new-password' : 'off'}
                  hint={field.hint}
                  isRequired={field.required ?? false}
                  maxLength={field.maxLength ?? 200}
                />
              );
          }
        })}
      </form>
    </Dialog>
  );
}

/** Text of a field as the API takes it: null instead of nothing. */
export const orNull = (value: string | undefined) => value?.trim() || null;
