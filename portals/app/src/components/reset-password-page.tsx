import { AuthFrame } from '@psa/ui/components/auth-frame';
import { Button } from '@psa/ui/components/button';
import { Alert } from '@psa/ui/components/states';
import { type FormEvent, useRef, useState } from 'react';
import { api } from '../api/browser.ts';
import { ApiError } from '../api/error.ts';
import { passwordMessages } from '../i18n/password-messages.ts';
import { Link, useSearchParams } from '../router.tsx';
import {
  newPasswordProblem,
  type PasswordProblem,
  refusedPasswordProblem,
} from '../session/password-problem.ts';
import { ErrorText } from './error-state.tsx';
import { NewPasswordFields } from './new-password-fields.tsx';

const isBadLink = (error: unknown) =>
  error instanceof ApiError && (error.details.some(({ field }) => field === 'token') || error.status === 404);

/**
 * Sets a password by the link of a mail: `/reset-password?token=…` of an invitation or a reset. Needs the portal
 * to serve ForgotPasswordPage at `/forgot-password`.
 */
export function ResetPasswordPage({ brand, logo }: { brand: string; logo: string }) {
  const t = passwordMessages.useT();
  const token = useSearchParams()[0].get('token') ?? '';
  const [value, setValue] = useState({ password: '', repeated: '' });
  const [problem, setProblem] = useState<PasswordProblem | null>(null);
  const [state, setState] = useState<'asking' | 'sending' | 'done' | 'bad_link'>(
    token.length < 10 ? 'bad_link' : 'asking',
  );
  const [error, setError] = useState<unknown>(null);
  const input = useRef<HTMLInputElement>(null);

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (state === 'sending') return;
    const found = newPasswordProblem(value.password, value.repeated);
    setProblem(found);
    if (found) return input.current?.focus();
    setState('sending');
    setError(null);
    try {
      const body = { token, new_password: value.password };
      await api.post('/auth/reset-password', body, { renewSession: false });
      setState('done');
    } catch (thrown) {
      if (isBadLink(thrown)) return setState('bad_link');
      const refused = thrown instanceof ApiError ? refusedPasswordProblem(thrown) : null;
      setProblem(refused);
      setError(refused ? null : thrown);
      setState('asking');
      if (refused) input.current?.focus();
    }
  }

  return (
    <AuthFrame title={t('reset.title')} brand={brand} logo={logo}>
      {state === 'done' ? (
        <div className="login-card">
          <h1>{t('reset.done_title')}</h1>
          <Alert tone="ok">{t('reset.done')}</Alert>
          <Link className="button button-primary" to="/login">
            {t('to_login')}
          </Link>
        </div>
      ) : state === 'bad_link' ? (
        <div className="login-card">
          <h1>{t('reset.title')}</h1>
          <Alert tone="danger">{t('reset.bad_link')}</Alert>
          <Link className="button button-primary" to="/forgot-password">
            {t('reset.request_new')}
          </Link>
        </div>
      ) : (
        <form className="login-card" onSubmit={submit} noValidate aria-labelledby="reset-title">
          <h1 id="reset-title">{t('reset.title')}</h1>
          {error !== null && (
            <Alert tone="danger">
              <ErrorText error={error} />
            </Alert>
          )}
          <NewPasswordFields value={value} onChange={setValue} problem={problem} inputRef={input} autoFocus />
          <Button type="submit" kind="primary" isPending={state === 'sending'}>
            {t('reset.submit')}
          </Button>
        </form>
      )}
    </AuthFrame>
  );
}
