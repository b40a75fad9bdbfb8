import { api } from '@psa/app/api/browser';
import { ApiError } from '@psa/app/api/error';
import { ErrorText } from '@psa/app/components/error-state';
import { type NewPassword, NewPasswordFields } from '@psa/app/components/new-password-fields';
import { Link, useNavigate, useSearchParams } from '@psa/app/router';
import {
  newPasswordProblem,
  type PasswordProblem,
  refusedPasswordProblem,
} from '@psa/app/session/password-problem';
import { signIn } from '@psa/app/session/session';
import { AuthFrame } from '@psa/ui/components/auth-frame';
import { Button } from '@psa/ui/components/button';
import { Alert } from '@psa/ui/components/states';
import { TextField } from '@psa/ui/components/text-field';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { logo } from '../brand.ts';
import { messages as appMessages } from '../i18n/messages.ts';
import { messages } from '../i18n/settings-messages.ts';

const EMAIL = /^\S+@\S+\.\S+$|^\S+@localhost$/;

/** First start: the company and its first administrator, by the one-time link that the start printed. */
export function Component() {
  const t = messages.useT();
  const app = appMessages.useT();
  const [params] = useSearchParams();
  const token = params.get('token') ?? '';
  const status = useQuery({
    queryKey: ['setup'],
    queryFn: async ({ signal }) => (await api.get('/auth/setup', { signal })).data,
  });
  const stopped =
    status.data?.needed === false ? 'setup.done_already' : token.length < 10 ? 'setup.no_token' : null;
  return (
    <AuthFrame title={t('setup.title')} brand={app('brand')} logo={logo}>
      {stopped ? (
        <div className="login-card">
          <h1>{t('setup.title')}</h1>
          <Alert tone={stopped === 'setup.no_token' ? 'warn' : 'info'}>{t(stopped)}</Alert>
          <Link className="button button-primary" to="/login">
            {t('setup.to_login')}
          </Link>
        </div>
      ) : (
        <SetupForm token={token} />
      )}
    </AuthFrame>
  );
}

function SetupForm({ token }: { token: string }) {
  const t = messages.useT();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [company, setCompany] = useState('');
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [value, setValue] = useState<NewPassword>({ password: '', repeated: '' });
  const [problem, setProblem] = useState<PasswordProblem | null>(null);
  const [tried, setTried] = useState(false);
  const [sending, setSending] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const missing = (text: string) => (tried && text.trim() === '' ? t('setup.missing') : null);
  const badToken = error instanceof ApiError && error.issueOf('token') !== undefined;

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (sending) return;
    setTried(true);
    const found = newPasswordProblem(value.password, value.repeated);
    setProblem(found);
    if (found || [company, name].some((text) => text.trim() === '') || !EMAIL.test(email.trim())) return;
    setSending(true);
    setError(null);
    try {
      const body = {
        token,
        tenant_name: company.trim(),
        name: name.trim(),
        email: email.trim(),
        password: value.password,
      };
      await api.post('/auth/setup', body, { renewSession: false });
      await signIn(queries, body.email, body.password);
      void navigate('/', { replace: true });
    } catch (thrown) {
      setProblem(thrown instanceof ApiError ? refusedPasswordProblem(thrown) : null);
      setError(thrown);
      setSending(false);
    }
  }

  return (
    <form className="login-card" onSubmit={submit} noValidate aria-labelledby="setup-title">
      <h1 id="setup-title">{t('setup.title')}</h1>
      <p className="muted">{t('setup.intro')}</p>
      {error !== null && (
        <Alert tone="danger">{badToken ? t('setup.bad_token') : <ErrorText error={error} />}</Alert>
      )}
      <TextField
        autoFocus
        label={t('setup.company')}
        name="organization"
        autoComplete="organization"
        maxLength={200}
        value={company}
        onChange={setCompany}
        error={missing(company)}
      />
      <TextField
        label={t('setup.name')}
        name="name"
        autoComplete="name"
        maxLength={200}
        value={name}
        onChange={setName}
        error={missing(name)}
      />
      <TextField
        label={t('email')}
        type="email"
        name="email"
        autoComplete="username"
        maxLength={254}
        value={email}
        onChange={setEmail}
        error={tried && !EMAIL.test(email.trim()) ? t('setup.email_bad') : null}
      />
      <NewPasswordFields value={value} onChange={setValue} problem={problem} />
      <Button type="submit" kind="primary" isPending={sending}>
        {t('setup.submit')}
      </Button>
    </form>
  );
}
