import { ChangePasswordForm } from '@psa/app/components/change-password-form';
import { useMe } from '@psa/app/session/session';
import { NativeSelect } from '@psa/ui/components/native-select';
import { Switch } from '@psa/ui/components/switch';
import { useHotkeySetting } from '@psa/ui/hooks/use-hotkeys';
import { THEMES, useTheme } from '@psa/ui/hooks/use-theme';
import { LANGUAGES, useLanguage } from '@psa/ui/i18n/i18n';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { Panel } from '../components/panel.tsx';
import { messages } from '../i18n/settings-messages.ts';

/** What everyone may set for themselves. */
export function Account() {
  const t = messages.useT();
  const u = uiMessages.useT();
  const me = useMe();
  const [language, setLanguage] = useLanguage();
  const [theme, setTheme] = useTheme();
  const [hotkeys, setHotkeys] = useHotkeySetting();
  return (
    <div className="stack settings-body narrow-page">
      <Panel title={t('person')}>
        <dl className="facts">
          <div>
            <dt>{t('name')}</dt>
            <dd>{me.name}</dd>
          </div>
          <div>
            <dt>{t('email')}</dt>
            <dd>{me.email}</dd>
          </div>
        </dl>
      </Panel>
      <Panel title={t('preferences')}>
        <div className="form-grid">
          <NativeSelect
            label={t('language')}
            value={language}
            onChange={setLanguage}
            options={LANGUAGES.map((value) => ({ value, label: u(`user.language_${value}`) }))}
          />
          <NativeSelect
            label={t('theme')}
            value={theme}
            onChange={setTheme}
            options={THEMES.map((value) => ({ value, label: u(`theme.${value}`) }))}
          />
        </div>
        <Switch isSelected={hotkeys} onChange={setHotkeys}>
          {t('hotkeys')}
        </Switch>
      </Panel>
      <div className="panel">
        <ChangePasswordForm email={me.email} />
      </div>
    </div>
  );
}
