import type { ReactNode } from 'react';
import { FieldError, Label, Text } from 'react-aria-components/TextField';

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

/** Hint and error under a field of react-aria; the error replaces the hint. */
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
