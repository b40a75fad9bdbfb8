import type { Me } from '@psa/contracts/auth';
import { AuthFrame } from '@psa/ui/components/auth-frame';
import { Button } from '@psa/ui/components/button';
import { Alert } from '@psa/ui/components/states';
import { TextField } from '@psa/ui/components/text-field';
import { useOnline } from '@psa/ui/hooks/use-online';
import { useFormats } from '@psa/ui/i18n/format';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useRef, useState } from 'react';
import { type LoginProblem, loginFieldProblem, loginProblem } from '../session/login-problem.ts';
import { signIn } from '../session/session.ts';
import { ErrorText } from './error-state.tsx';

export interface LoginFormProps {
  /** Name of the portal above the form. */
  brand: string;
  logo: string;
  onSignedIn: (me: Me) => void;
  /** Said before anything was tried: the session ended, or one has just signed out. */
  notice?: 'expired' | 'signed_out' | null;
  footer?: ReactNode;
}

/** The sign-in page of both portals. */
export function LoginForm({ brand, logo, onSignedIn, notice, footer }: LoginFormProps) {
  const t = uiMessages.useT();
  const formats = useFormats();
  const queries = useQueryClient();
  const online = useOnline();
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [pending, setPending] = useState(false);
  const [problem, setProblem] = useState<LoginProblem | null>(null);
  const [fields, setFields] = useState<ReturnType<typeof loginFieldProblem>>(null);
  const emailInput = useRef<HTMLInputElement>(null);
  const passwordInput = useRef<HTMLInputElement>(null);

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (pending) return;
    const missing = loginFieldProblem(email, password);
    setFields(missing);
    if (missing) {
      (missing.email ? emailInput : passwordInput).current?.focus();
      return;
    }
    setPending(true);
    setProblem(null);
    try {
      onSignedIn(await signIn(queries, email.trim(), password));
    } catch (error) {
      const found = loginProblem(error, Date.now());
      setProblem(found);
      if (found.kind === 'wrong') {
        setPassword('');
        passwordInput.current?.focus();
      }
    } finally {
      setPending(false);
    }
  }

  function tell(found: LoginProblem): ReactNode {
    switch (found.kind) {
      case 'wrong':
        return t('login.wrong');
      case 'locked':
        return found.until === null
          ? t('login.locked')
          : t('login.locked_until', { time: formats.time(found.until) });
      case 'offline':
        return t('login.offline');
      case 'other':
        return <ErrorText error={found.error} />;
    }
  }

  return (
    <AuthFrame title={t('login.title')} brand={brand} logo={logo}>
      <form className="login-card" onSubmit={submit} noValidate aria-labelledby="login-title">
        <h1 id="login-title">{t('login.title')}</h1>
        {problem ? (
          <Alert tone="danger">{tell(problem)}</Alert>
        ) : !online ? (
          <Alert tone="warn">{t('login.offline')}</Alert>
        ) : (
          notice && <Alert tone="info">{t(`login.${notice}`)}</Alert>
        )}
        <TextField
          label={t('login.email')}
          type="email"
          name="email"
          autoComplete="username"
          autoFocus
          inputRef={emailInput}
          value={email}
          onChange={setEmail}
          error={fields?.email && t(`login.${fields.email}`)}
        />
        <TextField
          label={t('login.password')}
          type="password"
          name="password"
          autoComplete="current-password"
          inputRef={passwordInput}
          value={password}
          onChange={setPassword}
          error={fields?.password && t(`login.${fields.password}`)}
        />
        <Button type="submit" kind="primary" isPending={pending}>
          {t(pending ? 'login.submitting' : 'login.submit')}
        </Button>
        {footer}
      </form>
    </AuthFrame>
  );
}
