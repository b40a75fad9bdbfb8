import { isMac } from '../hooks/use-hotkeys.ts';
import { hotkeyCaps } from '../hotkey-matcher.ts';
import { uiMessages } from '../i18n/ui-messages.ts';

/** Key caps of a shortcut, e.g. `g t` or `mod+k`. */
export function Kbd({ keys }: { keys: string }) {
  const t = uiMessages.useT();
  return (
    <span className="hotkey">
      {hotkeyCaps(keys, isMac, t('hotkeys.control')).map((chord, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one shortcut never move
        <span key={`${index}${chord.join()}`} className="hotkey">
          {index > 0 && <span className="visually-hidden">{` ${t('hotkeys.then')} `}</span>}
          {chord.map((cap) => (
            <kbd key={cap} className="kbd">
              {cap}
            </kbd>
          ))}
        </span>
      ))}
    </span>
  );
}
