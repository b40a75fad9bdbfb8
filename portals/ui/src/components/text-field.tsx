import type { ReactNode, Ref } from 'react';
import {
  TextArea as AriaTextArea,
  TextField as AriaTextField,
  type TextFieldProps as AriaTextFieldProps,
  FieldError,
  Input,
  Label,
  Text,
} from 'react-aria-components/TextField';

interface FieldProps extends Omit<AriaTextFieldProps, 'children' | 'className' | 'style'> {
  label: ReactNode;
  /** Keeps the label for screen readers only. */
  hideLabel?: boolean;
  hint?: ReactNode;
  /** Shown and announced; marks the field invalid. */
  error?: string | null | undefined;
  placeholder?: string;
}

export interface TextFieldProps extends FieldProps {
  inputRef?: Ref<HTMLInputElement>;
}

/** One line of text with its label, hint and error. */
export function TextField({
  label,
  hideLabel,
  hint,
  error,
  placeholder,
  inputRef,
  ...props
}: TextFieldProps) {
  return (
    <AriaTextField {...props} isInvalid={!!error} validationBehavior="aria" className="field">
      <FieldLabel hidden={hideLabel} required={props.isRequired}>
        {label}
      </FieldLabel>
      <Input ref={inputRef} className="input" placeholder={placeholder} />
      <FieldNotes hint={hint} error={error} />
    </AriaTextField>
  );
}

export interface TextAreaProps extends FieldProps {
  inputRef?: Ref<HTMLTextAreaElement>;
  rows?: number;
}

/** Several lines; grows with its text up to most of the screen. */
export function TextArea({
  label,
  hideLabel,
  hint,
  error,
  placeholder,
  inputRef,
  rows,
  ...props
}: TextAreaProps) {
  return (
    <AriaTextField {...props} isInvalid={!!error} validationBehavior="aria" className="field">
      <FieldLabel hidden={hideLabel} required={props.isRequired}>
        {label}
      </FieldLabel>
      <AriaTextArea ref={inputRef} className="input" placeholder={placeholder} rows={rows} />
      <FieldNotes hint={hint} error={error} />
    </AriaTextField>
  );
}

/** Label of a field inside any react-aria field component. */
export function FieldLabel(props: {
  children: ReactNode;
  hidden?: boolean | undefined;
  required?: boolean | undefined;
}) {
  return (
    <Label className={props.hidden ? 'visually-hidden' : 'label'}>
      {props.children}
      {props.required && (
        <span className="required-mark" aria-hidden="true">
          {' *'}
        </span>
      )}
    </Label>
  );
}

/** Hint and error under a field; the error replaces the hint. */
export function FieldNotes({ hint, error }: { hint?: ReactNode; error?: string | null | undefined }) {
  return (
    <>
      {hint && !error && (
        <Text slot="description" className="hint">
          {hint}
        </Text>
      )}
      <FieldError className="field-error">{error}</FieldError>
    </>
  );
}
