import { ChangePasswordForm } from '@psa/app/components/change-password-form';
import { Link } from '@psa/app/router';
import { useMe } from '@psa/app/session/session';
import { NativeSelect } from '@psa/ui/components/native-select';
import { THEMES, useTheme } from '@psa/ui/hooks/use-theme';
import { LANGUAGES, useLanguage } from '@psa/ui/i18n/i18n';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { messages } from '../i18n/messages.ts';

/** Who I am here, how it looks, and my password. */
export function Component() {
  const t = messages.useT();
  const ui = uiMessages.useT();
  const me = useMe();
  const [language, setLanguage] = useLanguage();
  const [theme, setTheme] = useTheme();
  return (
    <div className="page narrow">
      <title>{`${t('account.title')} · ${me.tenant_name}`}</title>
      <h1>{t('account.title')}</h1>
      <section className="card stack" aria-labelledby="person-title">
        <h2 id="person-title">{t('account.person')}</h2>
        <dl className="facts">
          <dt>{t('account.name')}</dt>
          <dd>{me.name}</dd>
          <dt>{t('account.email')}</dt>
          <dd>{me.email}</dd>
        </dl>
        <p className="hint">
          <Link to="/new">{t('account.wrong')}</Link>
        </p>
      </section>
      <section className="card stack" aria-labelledby="look-title">
        <h2 id="look-title">{t('account.look')}</h2>
        <div className="two-fields">
          <NativeSelect
            label={ui('user.language')}
            value={language}
            onChange={setLanguage}
            options={LANGUAGES.map((value) => ({ value, label: ui(`user.language_${value}`) }))}
          />
          <NativeSelect
            label={ui('theme.label')}
            value={theme}
            onChange={setTheme}
            options={THEMES.map((value) => ({ value, label: ui(`theme.${value}`) }))}
          />
        </div>
        <p className="hint">{t('account.look_hint')}</p>
      </section>
      <section className="card">
        <ChangePasswordForm email={me.email} />
      </section>
    </div>
  );
}
