import type { ReactNode } from 'react';
import { THEMES, useTheme } from '../hooks/use-theme.ts';
import { useLanguage } from '../i18n/i18n.ts';
import { uiMessages } from '../i18n/ui-messages.ts';

/** Page of somebody who is not signed in: brand, one card, language and theme. */
export function AuthFrame(props: { title: string; brand: string; logo: string; children: ReactNode }) {
  return (
    <main className="login">
      <title>{`${props.title} · ${props.brand}`}</title>
      <div className="login-brand">
        <img src={props.logo} alt="" />
        {props.brand}
      </div>
      {props.children}
      <Preferences />
    </main>
  );
}

/** Language and theme before anybody has signed in: two plain buttons, each naming what it switches to. */
function Preferences() {
  const t = uiMessages.useT();
  const [language, setLanguage] = useLanguage();
  const [theme, setTheme] = useTheme();
  const other = language === 'de' ? 'en' : 'de';
  const nextTheme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!;
  return (
    <div className="login-foot">
      <button type="button" className="link-button" lang={other} onClick={() => setLanguage(other)}>
        {t(`user.language_${other}`)}
      </button>
      <button type="button" className="link-button" onClick={() => setTheme(nextTheme)}>
        {`${t('theme.label')}: ${t(`theme.${theme}`)}`}
      </button>
    </div>
  );
}
