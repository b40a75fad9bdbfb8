import { useHotkeyList, useHotkeySetting } from '../hooks/use-hotkeys.ts';
import { uiMessages } from '../i18n/ui-messages.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { Kbd } from './kbd.tsx';

export interface ShortcutGroup {
  title: string;
  /** Works on the page of the moment. */
  isHere: boolean;
  entries: readonly { keys: string; label: string }[];
}

/** The shortcuts in their groups, to read and to print; without groups those that work on the page of the moment. */
export default function ShortcutHelp(props: { groups?: readonly ShortcutGroup[]; onClose: () => void }) {
  const t = uiMessages.useT();
  const [on] = useHotkeySetting();
  const list = useHotkeyList().map(({ keys, label = '' }) => ({ keys, label }));
  const groups = props.groups ?? [{ title: '', isHere: false, entries: list }];
  return (
    <Dialog
      title={t('hotkeys.title')}
      isOpen
      wide={groups.length > 1}
      onClose={props.onClose}
      footer={
        <Button icon="print" onPress={() => window.print()}>
          {t('hotkeys.print')}
        </Button>
      }
    >
      {!on && <p className="muted">{t('hotkeys.off')}</p>}
      <div className="hotkey-map">
        {groups.map(({ title, isHere, entries }) => (
          <section key={title} aria-label={title || undefined}>
            {title && (
              <h3>
                {title}
                {isHere && <span className="muted"> {t('hotkeys.here')}</span>}
              </h3>
            )}
            <dl className="hotkey-list">
              {entries.map(({ keys, label }) => (
                <div key={`${keys} ${label}`} style={{ display: 'contents' }}>
                  <dt>{label}</dt>
                  <dd>
                    <Kbd keys={keys} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
