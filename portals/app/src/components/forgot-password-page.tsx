import { AuthFrame } from '@psa/ui/components/auth-frame';
import { Button } from '@psa/ui/components/button';
import { Alert } from '@psa/ui/components/states';
import { TextField } from '@psa/ui/components/text-field';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { type FormEvent, useRef, useState } from 'react';
import { api } from '../api/browser.ts';
import { passwordMessages } from '../i18n/password-messages.ts';
import { Link } from '../router.tsx';
import { loginFieldProblem } from '../session/login-problem.ts';
import { ErrorText } from './error-state.tsx';

/** Asks for a mailed link. The answer is the same whether the address is known or not, and so is the page's. */
export function ForgotPasswordPage({ brand, logo }: { brand: string; logo: string }) {
  const t = passwordMessages.useT();
  const ui = uiMessages.useT();
  const [email, setEmail] = useState('');
  const [field, setField] = useState<'email_missing' | 'email_invalid' | null>(null);
  const [state, setState] = useState<'asking' | 'sending' | 'sent'>('asking');
  const [error, setError] = useState<unknown>(null);
  const input = useRef<HTMLInputElement>(null);

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (state === 'sending') return;
    const problem = loginFieldProblem(email, 'irrelevant')?.email ?? null;
    setField(problem);
    if (problem) return input.current?.focus();
    setState('sending');
    setError(null);
    try {
      await api.post('/auth/forgot-password', { email: email.trim() }, { renewSession: false });
      setState('sent');
    } catch (thrown) {
      setError(thrown);
      setState('asking');
    }
  }

  return (
    <AuthFrame title={t('forgot.title')} brand={brand} logo={logo}>
      {state === 'sent' ? (
        <div className="login-card">
          <h1>{t('forgot.sent_title')}</h1>
          <Alert tone="ok">{t('forgot.sent', { email: email.trim() })}</Alert>
          <Button
            onPress={() => {
              setState('asking');
              setEmail('');
            }}
          >
            {t('forgot.again')}
          </Button>
          <Link className="link-button" to="/login">
            {t('to_login')}
          </Link>
        </div>
      ) : (
        <form className="login-card" onSubmit={submit} noValidate aria-labelledby="forgot-title">
          <h1 id="forgot-title">{t('forgot.title')}</h1>
          <p className="muted">{t('forgot.intro')}</p>
          {error !== null && (
            <Alert tone="danger">
              <ErrorText error={error} />
            </Alert>
          )}
          <TextField
            label={ui('login.email')}
            type="email"
            name="email"
            autoComplete="username"
            autoFocus
            inputRef={input}
            value={email}
            onChange={setEmail}
            error={field && ui(`login.${field}`)}
          />
          <Button type="submit" kind="primary" isPending={state === 'sending'}>
            {t('forgot.submit')}
          </Button>
          <Link className="link-button" to="/login">
            {t('to_login')}
          </Link>
        </form>
      )}
    </AuthFrame>
  );
}
