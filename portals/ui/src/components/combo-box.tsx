import { type ReactNode, useContext, useEffect, useRef, useState } from 'react';
import {
  ComboBox as AriaComboBox,
  Button,
  ComboBoxStateContext,
  Input,
  Popover,
} from 'react-aria-components/ComboBox';
import { ListBox, ListBoxItem } from 'react-aria-components/ListBox';
import { useAsyncOptions } from '../hooks/use-async-options.ts';
import { uiMessages } from '../i18n/ui-messages.ts';
import { FieldLabel, FieldNotes } from './field-parts.tsx';
import { Icon } from './icon.tsx';

export interface ComboOption {
  id: string;
  label: string;
  /** A second, smaller line: the company of a contact, the mail address of a person. */
  detail?: string;
}

export interface ComboBoxProps<T extends ComboOption = ComboOption> {
  label: string;
  hideLabel?: boolean;
  /** The chosen option; the caller keeps it whole, since it need not be among the loaded ones. */
  value: ComboOption | null;
  onChange: (option: T | null) => void;
  /** Called with what is typed ('' first); rejects are shown as a failed search. */
  load: (query: string, signal: AbortSignal) => Promise<readonly T[]>;
  placeholder?: string;
  hint?: string;
  error?: string | null | undefined;
  isDisabled?: boolean;
  isRequired?: boolean;
  autoFocus?: boolean;
}

const OWN_SCROLL_MS = 1000;

/**
 * A field that is out of sight is scrolled into it by the focus or the first letter, and react-aria shuts a list
 * at any scroll around its field: the list would be gone as soon as it is there. The scroll events of the first moment
 * are therefore kept from it; they are the field's own. On a busy machine two frames alone were too short.
 */
function holdThroughScroll(field: Element): void {
  const hold = (event: Event) => {
    if (event.target instanceof Node && event.target.contains(field)) event.stopImmediatePropagation();
  };
  window.addEventListener('scroll', hold, true);
  const release = () => window.removeEventListener('scroll', hold, true);
  setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(release)), OWN_SCROLL_MS);
}

/** Choice of one from many, found by typing; the options come from the server. */
export function ComboBox<T extends ComboOption = ComboOption>(props: ComboBoxProps<T>) {
  const t = uiMessages.useT();
  const { value } = props;
  const [text, setText] = useState(value?.label ?? '');
  const [shown, setShown] = useState(value?.id);
  const [open, setOpen] = useState(false);
  /** The page has put the focus here, nobody has asked for a list: Escape then leaves what the field stands in. */
  const [placed, setPlaced] = useState(props.autoFocus === true);
  const field = useRef<HTMLInputElement>(null);
  if (shown !== value?.id) {
    // Chosen or cleared from outside: the field says so.
    setShown(value?.id);
    setText(value?.label ?? '');
  }
  // Right after opening, the field still holds the chosen label: offer everything, not that one alone.
  const query = text === value?.label ? '' : text;
  const { items, state, of } = useAsyncOptions(query, props.load, open);

  return (
    <AriaComboBox
      className="field"
      items={items}
      inputValue={text}
      onFocus={(event) => holdThroughScroll(event.target)}
      onInputChange={(next) => {
        if (field.current && !open) holdThroughScroll(field.current);
        setText(next);
        if (next === '' && value) props.onChange(null);
      }}
      selectedKey={value?.id ?? null}
      onSelectionChange={(key) => {
        if (key === null) return;
        const option = items.find((item) => item.id === key);
        if (option) {
          setText(option.label);
          props.onChange(option);
        }
      }}
      onOpenChange={(isOpen) => {
        setOpen(isOpen);
        if (isOpen && field.current) holdThroughScroll(field.current);
        if (!isOpen) setText((now) => (now === '' ? now : (value?.label ?? now)));
      }}
      onBlur={() => {
        setPlaced(false);
        setText(value?.label ?? '');
      }}
      menuTrigger={placed ? 'input' : 'focus'}
      allowsEmptyCollection
      allowsCustomValue
      isDisabled={props.isDisabled}
      isRequired={props.isRequired}
      isInvalid={!!props.error}
      validationBehavior="aria"
    >
      <FieldLabel hidden={props.hideLabel} required={props.isRequired}>
        {props.label}
      </FieldLabel>
      <TakesFirst
        first={of === query && state !== 'loading' ? (items[0]?.id ?? null) : undefined}
        typed={query}
      >
        <Input ref={field} className="input" placeholder={props.placeholder} autoFocus={props.autoFocus} />
        <Button className="combo-button" aria-label={t('combobox.show')}>
          {state === 'loading' ? <span className="spinner" /> : <Icon name="chevronDown" />}
        </Button>
      </TakesFirst>
      <FieldNotes hint={props.hint} error={props.error} />
      <Popover className="popover">
        <ListBox
          className="listbox"
          renderEmptyState={() => (
            <div className="listbox-note">
              {state === 'loading'
                ? t('combobox.loading')
                : state === 'failed'
                  ? t('combobox.failed')
                  : t('combobox.empty')}
            </div>
          )}
        >
          {(option: T) => (
            <ListBoxItem id={option.id} textValue={option.label} className="option">
              {({ isSelected }) => (
                <>
                  <span className="option-text">
                    {option.label}
                    {option.detail && <span className="option-detail">{option.detail}</span>}
                  </span>
                  <span className="option-check">{isSelected && <Icon name="check" />}</span>
                </>
              )}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </AriaComboBox>
  );
}

/**
 * Enter takes the first match of what was typed, without an arrow key before it; typed and entered faster than the
 * matches come, it takes the first of them when they are there. `first` is undefined while they are awaited.
 */
function TakesFirst(props: { first: string | null | undefined; typed: string; children: ReactNode }) {
  const combo = useContext(ComboBoxStateContext);
  const [entered, setEntered] = useState<string | null>(null);
  const { first, typed } = props;
  // The list closes by the choice itself; closed before, the new text of the field would open it again.
  const take = (id: string) => {
    // What is chosen already is no change: the field gets its name back.
    if (combo?.selectedKey === id) combo.revert();
    else combo?.setSelectedKey(id);
  };
  const latest = useRef(take);
  useEffect(() => {
    latest.current = take;
  });
  useEffect(() => {
    if (entered === null || first === undefined) return;
    setEntered(null);
    if (first !== null && entered === typed) latest.current(first);
  }, [entered, first, typed]);
  return (
    <div
      className="combo"
      onKeyDownCapture={(event) => {
        const isEnter = event.key === 'Enter' && !event.nativeEvent.isComposing;
        // An option that the arrows have reached is react-aria's to take.
        if (!isEnter || typed.trim() === '' || !combo?.isOpen || combo.selectionManager.focusedKey !== null)
          return;
        event.preventDefault();
        event.stopPropagation();
        setEntered(typed);
      }}
    >
      {props.children}
    </div>
  );
}
