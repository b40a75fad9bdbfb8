import { useHotkeyList, useHotkeySetting } from '../hooks/use-hotkeys.ts';
import { uiMessages } from '../i18n/ui-messages.ts';
import { Dialog } from './dialog.tsx';
import { Kbd } from './kbd.tsx';

/** Every shortcut that works on the page of the moment. */
export default function ShortcutHelp({ onClose }: { onClose: () => void }) {
  const t = uiMessages.useT();
  const [on] = useHotkeySetting();
  const list = useHotkeyList();
  return (
    <Dialog title={t('hotkeys.title')} isOpen onClose={onClose}>
      {!on && <p className="muted">{t('hotkeys.off')}</p>}
      <dl className="hotkey-list">
        {list.map((binding) => (
          <div key={`${binding.keys} ${binding.label}`} style={{ display: 'contents' }}>
            <dt>{binding.label}</dt>
            <dd>
              <Kbd keys={binding.keys} />
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
