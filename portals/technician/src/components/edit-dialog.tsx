import { fieldTexts } from '@psa/app/api/field-text';
import { useDraft } from '@psa/app/drafts/use-draft';
import { Checkbox } from '@psa/ui/components/checkbox';
import { ComboBox, type ComboBoxProps, type ComboOption } from '@psa/ui/components/combo-box';
import { NativeSelect } from '@psa/ui/components/native-select';
import { TextArea, TextField } from '@psa/ui/components/text-field';
import { Fragment, type ReactNode } from 'react';
import { FormDialog } from './form-dialog.tsx';

/** One field of a dialog. Values are text; `boolean` ones are '' or 'on', `moment` ones as of a field of date and time. */
export interface EditField {
  name: string;
  label: string;
  kind?: 'line' | 'text' | 'select' | 'boolean' | 'email' | 'password' | 'moment' | 'choice';
  options?: readonly { value: string; label: string }[];
  /** Of a choice from many: what fits to what is typed. Its value is text of `choiceText`. */
  load?: ComboBoxProps['load'];
  /** Fields of one group that follow each other stand together, under its name. */
  group?: { title: string; hint?: string };
  hint?: string;
  required?: boolean;
  maxLength?: number;
  autoComplete?: 'current-password';
  /** What it offers follows from another field: a choice that is no longer offered gives way to the first. */
  follows?: boolean;
  /** Stands under it, e.g. a way to fill it. */
  below?: (values: Values, change: (value: string) => void) => ReactNode;
}

/** What was chosen as the text of a draft, and back: the id, and behind it the name that is shown. */
export const choiceText = (option: ComboOption | null): string =>
  option ? `${option.id} ${option.label}` : '';
export function choiceOf(text: string | undefined): ComboOption | null {
  if (!text) return null;
  const [id = '', ...label] = text.split(' ');
  return { id, label: label.join(' ') };
}

const INPUT_TYPES = { line: 'text', email: 'email', password: 'password', moment: 'datetime-local' } as const;

export type Values = Readonly<Record<string, string>>;

export interface EditDialogProps {
  /** Under which what is typed is kept while the dialog is closed: the kind of thing and its id, or `new`. */
  draft: string;
  title: string;
  /** Those that follow from what is typed are a function of it. */
  fields: readonly EditField[] | ((values: Values) => readonly EditField[]);
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

/** The values, those of choices that follow from others among what these offer. */
function fitting(fields: readonly EditField[], values: Values): Values {
  const all = { ...values };
  for (const { name, follows, options = [] } of fields) {
    if (follows && !options.some(({ value }) => value === values[name])) all[name] = options[0]?.value ?? '';
  }
  return all;
}

/** Fields that follow each other in one group, and those between them. */
function grouped(fields: readonly EditField[]): { group: EditField['group']; members: EditField[] }[] {
  const groups: { group: EditField['group']; members: EditField[] }[] = [];
  for (const field of fields) {
    const last = groups.at(-1);
    if (last && last.group?.title === field.group?.title) last.members.push(field);
    else groups.push({ group: field.group, members: [field] });
  }
  return groups;
}

/** Creates or changes one thing. What was typed stays until it is saved; a second try is the same request. */
export function EditDialog(props: EditDialogProps) {
  const fieldsOf = (of: Values) => (typeof props.fields === 'function' ? props.fields(of) : props.fields);
  const draft = useDraft<Values>(`edit.${props.draft}`, props.values, {
    secret: fieldsOf(props.values)
      .filter(({ kind }) => kind === 'password')
      .map(({ name }) => name),
  });
  const fields = fieldsOf(draft.value);
  const values = fitting(fields, draft.value);
  const get = (name: string) => values[name] ?? '';
  const wrong: Values = {
    ...props.check?.(values),
    ...Object.fromEntries(
      fields
        .filter((field) => field.required && get(field.name).trim() === '')
        .map((field) => [field.name, props.missing]),
    ),
  };

  return (
    <FormDialog
      title={props.title}
      draft={draft}
      isValid={Object.keys(wrong).length === 0}
      conflict={props.conflict}
      onSave={(key) => props.onSave(values, key)}
      onClose={props.onClose}
      extra={props.extra}
    >
      {({ tried, error }) => {
        const refused = fieldTexts(error);
        const problem = ({ name }: EditField) => (tried ? wrong[name] : undefined) ?? refused[name] ?? null;
        const inputOf = (field: EditField, index: number) => {
          const common = {
            label: field.label,
            value: get(field.name),
            onChange: (value: string) => draft.change({ [field.name]: value }),
            error: problem(field),
          };
          switch (field.kind) {
            case 'select':
              return <NativeSelect key={field.name} {...common} options={field.options ?? []} />;
            case 'choice':
              return (
                <ComboBox
                  key={field.name}
                  label={field.label}
                  hint={field.hint ?? ''}
                  value={choiceOf(common.value)}
                  onChange={(option) => common.onChange(choiceText(option))}
                  load={field.load ?? (async () => [])}
                  error={common.error}
                />
              );
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
                <Fragment key={field.name}>
                  <TextArea {...common} hint={field.hint} maxLength={field.maxLength ?? 10_000} />
                  {field.below?.(values, common.onChange)}
                </Fragment>
              );
            default:
              return (
                <TextField
                  key={field.name}
                  {...common}
                  autoFocus={index === 0}
                  type={INPUT_TYPES[field.kind ?? 'line']}
                  autoComplete={field.autoComplete ?? (field.kind === 'password' ? 'new-password' : 'off')}
                  hint={field.hint}
                  isRequired={field.required ?? false}
                  maxLength={field.maxLength ?? 200}
                />
              );
          }
        };
        const inputs = grouped(fields).map(({ group, members }) =>
          group ? (
            <fieldset key={group.title} className="form-group stack">
              <legend>{group.title}</legend>
              {group.hint && <p className="muted">{group.hint}</p>}
              {members.map((field) => inputOf(field, fields.indexOf(field)))}
            </fieldset>
          ) : (
            members.map((field) => inputOf(field, fields.indexOf(field)))
          ),
        );
        // What was refused and has no input of its own here is said too.
        const names = new Set(fields.map(({ name }) => name));
        const others = new Set(
          Object.entries(refused).flatMap(([name, text]) => (names.has(name) ? [] : [text])),
        );
        return [
          ...[...others].map((text) => (
            <p key={text} className="field-error">
              {text}
            </p>
          )),
          ...inputs,
        ];
      }}
    </FormDialog>
  );
}

/** Text of a field as the API takes it: null instead of nothing. */
export const orNull = (value: string | undefined) => value?.trim() || null;
