import { Button } from '@psa/ui/components/button';
import { Alert } from '@psa/ui/components/states';
import { TextField } from '@psa/ui/components/text-field';
import { type FormEvent, useRef, useState } from 'react';
import { api } from '../api/browser.ts';
import { ApiError } from '../api/error.ts';
import { passwordMessages } from '../i18n/password-messages.ts';
import {
  newPasswordProblem,
  type PasswordProblem,
  refusedPasswordProblem,
} from '../session/password-problem.ts';
import { ErrorText } from './error-state.tsx';
import { NewPasswordFields } from './new-password-fields.tsx';

const NOTHING = { password: '', repeated: '' };

/** A wrong current password is an answer about the form, not about the session. */
const isWrongCurrent = (error: ApiError) =>
  error.code === 'INVALID_CREDENTIALS' || error.details.some(({ field }) => field === 'current_password');

/** Changes the own password; the present session stays, the others end. */
export function ChangePasswordForm({ email }: { email: string }) {
  const t = passwordMessages.useT();
  const [current, setCurrent] = useState('');
  const [value, setValue] = useState(NOTHING);
  const [wrong, setWrong] = useState<'missing' | 'wrong' | null>(null);
  const [problem, setProblem] = useState<PasswordProblem | null>(null);
  const [state, setState] = useState<'asking' | 'sending' | 'done'>('asking');
  const [error, setError] = useState<unknown>(null);
  const currentInput = useRef<HTMLInputElement>(null);
  const newInput = useRef<HTMLInputElement>(null);

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (state === 'sending') return;
    const found = newPasswordProblem(value.password, value.repeated);
    setWrong(current === '' ? 'missing' : null);
    setProblem(found);
    setError(null);
    if (current === '') return currentInput.current?.focus();
    if (found) return newInput.current?.focus();
    setState('sending');
    try {
      await api.post('/auth/change-password', { current_password: current, new_password: value.password });
      setCurrent('');
      setValue(NOTHING);
      setState('done');
    } catch (thrown) {
      setState('asking');
      if (thrown instanceof ApiError && isWrongCurrent(thrown)) {
        setWrong('wrong');
        currentInput.current?.focus();
        return;
      }
      const refused = thrown instanceof ApiError ? refusedPasswordProblem(thrown) : null;
      setProblem(refused);
      if (refused) newInput.current?.focus();
      else setError(thrown);
    }
  }

  return (
    <form className="stack" onSubmit={submit} noValidate aria-labelledby="change-password-title">
      <h2 id="change-password-title">{t('change.title')}</h2>
      {state === 'done' && <Alert tone="ok">{t('change.done')}</Alert>}
      {error !== null && (
        <Alert tone="danger">
          <ErrorText error={error} />
        </Alert>
      )}
      {/* Password managers ask whose password it is. */}
      <input type="hidden" name="username" autoComplete="username" value={email} readOnly />
      <TextField
        label={t('change.current')}
        type="password"
        name="current_password"
        autoComplete="current-password"
        inputRef={currentInput}
        value={current}
        onChange={setCurrent}
        error={wrong && t(`change.current_${wrong}`)}
      />
      <NewPasswordFields value={value} onChange={setValue} problem={problem} inputRef={newInput} />
      <div className="row">
        <Button type="submit" kind="primary" isPending={state === 'sending'}>
          {t('change.submit')}
        </Button>
      </div>
    </form>
  );
}
