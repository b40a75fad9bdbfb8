import { MIN_PASSWORD_LENGTH } from '@psa/contracts/limits';
import { TextField } from '@psa/ui/components/text-field';
import type { Ref } from 'react';
import { passwordMessages } from '../i18n/password-messages.ts';
import type { PasswordProblem } from '../session/password-problem.ts';

export interface NewPassword {
  password: string;
  repeated: string;
}

/** A new password and its repetition. */
export function NewPasswordFields(props: {
  value: NewPassword;
  onChange: (value: NewPassword) => void;
  problem: PasswordProblem | null;
  inputRef?: Ref<HTMLInputElement>;
  autoFocus?: boolean;
}) {
  const t = passwordMessages.useT();
  const { value, onChange, problem } = props;
  const told = problem && t(`problem.${problem}`, { min: MIN_PASSWORD_LENGTH });
  return (
    <>
      <TextField
        label={t('new')}
        type="password"
        name="new_password"
        autoComplete="new-password"
        hint={t('hint', { min: MIN_PASSWORD_LENGTH })}
        autoFocus={props.autoFocus ?? false}
        {...(props.inputRef ? { inputRef: props.inputRef } : {})}
        value={value.password}
        onChange={(password) => onChange({ ...value, password })}
        error={problem === 'unlike' ? null : told}
      />
      <TextField
        label={t('repeat')}
        type="password"
        name="repeated_password"
        autoComplete="new-password"
        value={value.repeated}
        onChange={(repeated) => onChange({ ...value, repeated })}
        error={problem === 'unlike' ? told : null}
      />
    </>
  );
}
