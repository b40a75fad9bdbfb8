import { type ComponentProps, type KeyboardEvent, type ReactNode, type Ref, useId } from 'react';

type Native = Pick<
  ComponentProps<'input'>,
  'name' | 'autoComplete' | 'autoFocus' | 'maxLength' | 'placeholder' | 'inputMode'
>;

interface FieldProps extends Native {
  label: ReactNode;
  value: string;
  onChange: (value: string) => void;
  /** Keeps the label for screen readers only. */
  hideLabel?: boolean | undefined;
  hint?: ReactNode;
  /** Shown and announced; marks the field invalid. */
  error?: string | null | undefined;
  isRequired?: boolean | undefined;
  isDisabled?: boolean | undefined;
  onKeyDown?: ((event: KeyboardEvent) => void) | undefined;
  onBlur?: (() => void) | undefined;
}

export interface TextFieldProps extends FieldProps {
  type?: 'text' | 'search' | 'email' | 'password' | 'tel' | 'url' | 'datetime-local' | undefined;
  inputRef?: Ref<HTMLInputElement> | undefined;
}

/** One line of text with its label, hint and error. */
export function TextField({ type = 'text', inputRef, ...props }: TextFieldProps) {
  const { frame, field } = useField(props);
  return <Field {...frame}>{<input {...field} type={type} ref={inputRef} />}</Field>;
}

export interface TextAreaProps extends FieldProps {
  inputRef?: Ref<HTMLTextAreaElement> | undefined;
  rows?: number | undefined;
}

/** Several lines; grows with its text up to most of the screen. */
export function TextArea({ rows, inputRef, ...props }: TextAreaProps) {
  const { frame, field } = useField(props);
  return (
    <Field {...frame}>
      {
        <textarea
          {...field}
          rows={rows}
          ref={inputRef}
          // The browser brings the line of the caret into view, which of a long text is not the whole field.
          onFocus={(event) => event.currentTarget.scrollIntoView({ block: 'nearest' })}
        />
      }
    </Field>
  );
}

/** What a field and the label, hint and error around it need of each other. */
function useField(props: FieldProps) {
  const id = useId();
  const { label, hideLabel, hint, error, isRequired, isDisabled, onChange, ...rest } = props;
  const note = error ? `${id}-error` : hint ? `${id}-hint` : undefined;
  return {
    frame: { id, label, hideLabel, hint, error, isRequired },
    field: {
      ...rest,
      id,
      className: 'input',
      disabled: isDisabled,
      'aria-required': isRequired || undefined,
      'aria-invalid': !!error || undefined,
      'aria-describedby': note,
      onChange: (event: { target: { value: string } }) => onChange(event.target.value),
    },
  };
}

function Field(
  props: Pick<FieldProps, 'label' | 'hideLabel' | 'hint' | 'error' | 'isRequired'> & {
    id: string;
    children: ReactNode;
  },
) {
  const { id, hint, error } = props;
  return (
    <div className="field">
      <label htmlFor={id} className={props.hideLabel ? 'visually-hidden' : 'label'}>
        {props.label}
        {props.isRequired && (
          <span className="required-mark" aria-hidden="true">
            {' *'}
          </span>
        )}
      </label>
      {props.children}
      {hint && !error && (
        <span id={`${id}-hint`} className="hint">
          {hint}
        </span>
      )}
      {error && (
        <span id={`${id}-error`} className="field-error">
          {error}
        </span>
      )}
    </div>
  );
}
