import type { ReactNode, RefObject } from 'react';
import { useHotkeySetting } from '../hooks/use-hotkeys.ts';
import { THEMES, useTheme } from '../hooks/use-theme.ts';
import { LANGUAGES, useLanguage } from '../i18n/i18n.ts';
import { uiMessages } from '../i18n/ui-messages.ts';
import { MenuChoice, MenuItem, MenuPopover, MenuSeparator } from './menu.tsx';

/** Language, theme, shortcuts and sign-out. Default export, because it is loaded when first opened. */
export default function UserMenu(props: {
  label: string;
  trigger: RefObject<HTMLElement | null>;
  onClose: () => void;
  onSignOut: () => void;
  /** Entries of the portal above the common ones. */
  children?: ReactNode;
}) {
  const t = uiMessages.useT();
  const [language, setLanguage] = useLanguage();
  const [theme, setTheme] = useTheme();
  const [hotkeys, setHotkeys] = useHotkeySetting();
  return (
    <MenuPopover label={props.label} trigger={props.trigger} onClose={props.onClose}>
      {props.children}
      <MenuChoice
        title={t('user.language')}
        value={language}
        onChange={setLanguage}
        options={LANGUAGES.map((value) => ({ value, label: t(`user.language_${value}`) }))}
      />
      <MenuChoice
        title={t('theme.label')}
        value={theme}
        onChange={setTheme}
        options={THEMES.map((value) => ({ value, label: t(`theme.${value}`) }))}
      />
      <MenuChoice
        title={t('user.hotkeys')}
        value={hotkeys ? 'on' : 'off'}
        onChange={(value) => setHotkeys(value === 'on')}
        options={[
          { value: 'on', label: t('user.hotkeys_on') },
          { value: 'off', label: t('user.hotkeys_off') },
        ]}
      />
      <MenuSeparator />
      <MenuItem icon="lock" label={t('user.sign_out')} onAction={props.onSignOut} />
    </MenuPopover>
  );
}
