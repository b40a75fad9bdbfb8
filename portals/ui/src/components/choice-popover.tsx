// biome-ignore-all lint/a11y/useSemanticElements: options with signs and check marks have no native element
// biome-ignore-all lint/a11y/useFocusableInteractive: the focus stays in the input, options are reached through it
import { type KeyboardEvent, type RefObject, useId, useRef, useState } from 'react';
import { Dialog } from 'react-aria-components/Dialog';
import { Popover } from 'react-aria-components/Popover';
import { fuzzyFilter } from '../fuzzy.ts';
import { useAsyncOptions } from '../hooks/use-async-options.ts';
import { uiMessages } from '../i18n/ui-messages.ts';
import { Icon, type IconName } from './icon.tsx';

/** One of what may be chosen. */
export interface Choice {
  id: string;
  label: string;
  icon?: IconName;
  detail?: string;
  /** Chosen already; undefined: choosing it leads somewhere. */
  chosen?: boolean;
}

export interface ChoicePopoverProps {
  /** Where it opens. */
  trigger: RefObject<HTMLElement | null>;
  label: string;
  options: readonly Choice[];
  /** More of them, from the server, by what is typed. */
  load?: (query: string, signal: AbortSignal) => Promise<readonly Choice[]>;
  /** Shown only when something is typed. */
  hidden?: readonly Choice[];
  onChoose: (choice: Choice) => void;
  onClose: () => void;
  /** Backspace in the empty field. */
  onBack?: () => void;
}

const NONE: readonly Choice[] = [];
const NOTHING = () => Promise.resolve(NONE);

/**
 * Choice of several from any number, found by typing: Enter takes the marked one in or out and leaves the list open,
 * Escape shuts it. Default export, so that it can be loaded when first wanted.
 */
export default function ChoicePopover(props: ChoicePopoverProps) {
  return (
    <Popover
      className="popover choice-popover"
      triggerRef={props.trigger}
      placement="bottom start"
      isOpen
      onOpenChange={(open) => !open && props.onClose()}
    >
      <Dialog className="choice-dialog" aria-label={props.label}>
        {/* Another list begins anew, in the popover that is open already. */}
        <Choices key={props.label} {...props} />
      </Dialog>
    </Popover>
  );
}

function Choices(props: Omit<ChoicePopoverProps, 'trigger' | 'onClose'>) {
  const t = uiMessages.useT();
  const id = useId();
  const [query, setQuery] = useState('');
  const [active, setActive] = useState(0);
  /** The marked one as the last key left it: the next key may come before that is drawn. */
  const marked = useRef(0);
  const list = useRef<HTMLDivElement>(null);
  const typed = query.trim();
  const found = useAsyncOptions<Choice>(typed, props.load ?? NOTHING, props.load !== undefined);
  const own = typed === '' ? props.options : [...props.options, ...(props.hidden ?? NONE)];
  const local = fuzzyFilter(query, own, (choice) => `${choice.label} ${choice.detail ?? ''}`);
  const known = new Set(local.map((choice) => choice.id));
  const all = [...local, ...found.items.filter((choice) => !known.has(choice.id))];
  const current = Math.min(active, all.length - 1);

  function mark(index: number): void {
    marked.current = index;
    setActive(index);
  }
  function go(index: number): void {
    const next = all.length === 0 ? 0 : (index + all.length) % all.length;
    mark(next);
    list.current?.querySelector(`[data-index="${next}"]`)?.scrollIntoView({ block: 'nearest' });
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.nativeEvent.isComposing) return;
    const here = Math.min(marked.current, all.length - 1);
    const choice = all[here];
    if (event.key === 'ArrowDown') go(here + 1);
    else if (event.key === 'ArrowUp') go(here - 1);
    else if (event.key === 'Enter') {
      if (choice) props.onChoose(choice);
    } else if (event.key === 'Backspace' && query === '' && props.onBack) props.onBack();
    else return;
    event.preventDefault();
  }

  return (
    <>
      <input
        // biome-ignore lint/a11y/noAutofocus: a list opened to type in
        autoFocus
        className="palette-input"
        role="combobox"
        aria-label={props.label}
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={all.length > 0 ? `${id}-${current}` : undefined}
        placeholder={`${props.label} …`}
        autoComplete="off"
        spellCheck={false}
        value={query}
        onChange={(event) => {
          setQuery(event.target.value);
          mark(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div
        ref={list}
        id={`${id}-list`}
        role="listbox"
        aria-label={props.label}
        aria-multiselectable="true"
        className="choice-list"
      >
        {all.map((choice, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys
          <div
            key={choice.id}
            id={`${id}-${index}`}
            data-index={index}
            role="option"
            className="option"
            aria-selected={choice.chosen ?? false}
            data-active={index === current || undefined}
            onPointerMove={() => index !== current && mark(index)}
            onClick={() => props.onChoose(choice)}
          >
            {choice.chosen !== undefined && (
              <span className="option-check">{choice.chosen && <Icon name="check" />}</span>
            )}
            {choice.icon && <Icon name={choice.icon} />}
            <span className="option-text">
              {choice.label}
              {choice.detail && <span className="option-detail">{choice.detail}</span>}
            </span>
          </div>
        ))}
      </div>
      {all.length === 0 && (
        <p className="listbox-note" role="status">
          {found.state === 'loading'
            ? t('combobox.loading')
            : found.state === 'failed'
              ? t('combobox.failed')
              : t('combobox.empty')}
        </p>
      )}
    </>
  );
}
