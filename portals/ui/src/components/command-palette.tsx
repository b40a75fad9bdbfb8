// biome-ignore-all lint/a11y/useSemanticElements: options with icons and shortcuts have no native element
// biome-ignore-all lint/a11y/useFocusableInteractive: the focus stays in the input, options are reached through it
import { type KeyboardEvent, type RefObject, useId, useLayoutEffect, useRef, useState } from 'react';
import { Dialog as AriaDialog, Modal, ModalOverlay } from 'react-aria-components/Modal';
import { fuzzyFilter } from '../fuzzy.ts';
import { useAsyncOptions } from '../hooks/use-async-options.ts';
import { uiMessages } from '../i18n/ui-messages.ts';
import { Icon, type IconName } from './icon.tsx';
import { Kbd } from './kbd.tsx';

/** Something that can be done or opened. */
export interface Command {
  id: string;
  title: string;
  /** Group heading; commands without one stand under "Befehle". */
  section?: string;
  detail?: string;
  icon?: IconName;
  /** Shortcut that does the same. */
  keys?: string;
  /** More words to be found by. */
  keywords?: string;
  run: () => void;
}

export interface CommandPaletteProps {
  /** What was typed before the dialog was there. */
  typed?: RefObject<string>;
  onClose: () => void;
  /** Name of the dialog and of the group without one; default "Befehle und Suche". */
  title?: string;
  placeholder?: string;
  commands: readonly Command[];
  /** Results from the server for at least two characters. */
  search?: (query: string, signal: AbortSignal) => Promise<readonly Command[]>;
}

const NOTHING = () => Promise.resolve([]);

/** Commands and search in one place. Default export, so that it can be loaded when first opened. */
export default function CommandPalette({
  onClose,
  commands,
  search,
  title,
  placeholder,
  typed,
}: CommandPaletteProps) {
  const t = uiMessages.useT();
  const id = useId();
  const name = title ?? t('palette.title');
  const group = title ?? t('palette.commands');
  const [query, setQuery] = useState('');
  // Read when the dialog is shown, not when it is first rendered: React holds a finished dialog back for a moment.
  useLayoutEffect(() => setQuery(typed?.current ?? ''), [typed]);
  const [active, setActive] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const searching = search !== undefined && query.trim().length >= 2;
  const found = useAsyncOptions<Command>(query.trim(), search ?? NOTHING, searching);
  const local = fuzzyFilter(query, commands, (c) => `${c.title} ${c.keywords ?? ''}`);
  const all = searching ? [...local, ...found.items] : local;
  const current = Math.min(active, all.length - 1);

  function go(index: number): void {
    const next = all.length === 0 ? 0 : (index + all.length) % all.length;
    setActive(next);
    list.current?.querySelector(`[data-index="${next}"]`)?.scrollIntoView({ block: 'nearest' });
  }

  function choose(command: Command | undefined): void {
    if (!command) return;
    onClose();
    command.run();
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'ArrowDown') go(current + 1);
    else if (event.key === 'ArrowUp') go(current - 1);
    else if (event.key === 'Enter') choose(all[current]);
    else return;
    event.preventDefault();
  }

  const sections = [...new Set(all.map((c) => c.section ?? group))];
  return (
    <ModalOverlay className="modal-overlay" isOpen onOpenChange={(open) => !open && onClose()} isDismissable>
      <Modal className="modal">
        <AriaDialog className="dialog palette" aria-label={name}>
          <input
            // biome-ignore lint/a11y/noAutofocus: a dialog opened to type in
            autoFocus
            className="palette-input"
            role="combobox"
            aria-label={name}
            aria-expanded="true"
            aria-controls={`${id}-list`}
            aria-autocomplete="list"
            aria-activedescendant={all.length > 0 ? `${id}-${current}` : undefined}
            placeholder={placeholder ?? t('palette.placeholder')}
            autoComplete="off"
            spellCheck={false}
            value={query}
            onChange={(event) => {
              setQuery(event.target.value);
              setActive(0);
            }}
            onKeyDown={onKeyDown}
          />
          <div ref={list} id={`${id}-list`} role="listbox" aria-label={name} className="palette-list">
            {sections.map((section, order) => (
              <div key={section} role="group" aria-labelledby={`${id}-s${order}`}>
                <div id={`${id}-s${order}`} className="section-title">
                  {section}
                </div>
                {all.map((command, index) =>
                  (command.section ?? group) !== section ? null : (
                    // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled by the input
                    <div
                      key={command.id}
                      id={`${id}-${index}`}
                      data-index={index}
                      role="option"
                      aria-selected={index === current}
                      data-active={index === current || undefined}
                      className="option"
                      onClick={() => choose(command)}
                      onPointerMove={() => index !== current && setActive(index)}
                    >
                      {command.icon && <Icon name={command.icon} />}
                      <span className="option-text">
                        {command.title}
                        {command.detail && <span className="option-detail">{command.detail}</span>}
                      </span>
                      {command.keys && <Kbd keys={command.keys} />}
                    </div>
                  ),
                )}
              </div>
            ))}
          </div>
          <div className={all.length > 0 ? 'visually-hidden' : 'listbox-note'} role="status">
            {found.state === 'loading'
              ? t('palette.searching')
              : found.state === 'failed'
                ? t('combobox.failed')
                : all.length > 0
                  ? t('palette.results', { count: all.length })
                  : t('palette.empty')}
          </div>
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
