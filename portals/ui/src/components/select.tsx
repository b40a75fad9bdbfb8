import type { ReactNode } from 'react';
import { ListBox, ListBoxItem } from 'react-aria-components/ListBox';
import { Select as AriaSelect, Button, Popover, SelectValue } from 'react-aria-components/Select';
import { Icon } from './icon.tsx';
import { FieldLabel, FieldNotes } from './text-field.tsx';

export interface SelectOption<K extends string = string> {
  value: K;
  label: string;
  /** Shown before the label, e.g. a PriorityPill's sign. */
  sign?: ReactNode;
  disabled?: boolean;
}

export interface SelectProps<K extends string> {
  label: string;
  hideLabel?: boolean;
  options: readonly SelectOption<K>[];
  value: K | null;
  onChange: (value: K) => void;
  placeholder?: string;
  hint?: string;
  error?: string | null | undefined;
  isDisabled?: boolean;
  isRequired?: boolean;
  name?: string;
}

/** Choice of one from a short list. */
export function Select<K extends string>(props: SelectProps<K>) {
  return (
    <AriaSelect
      className="field"
      selectedKey={props.value}
      onSelectionChange={(key) => {
        if (key !== null) props.onChange(key as K);
      }}
      isDisabled={props.isDisabled}
      isRequired={props.isRequired}
      isInvalid={!!props.error}
      validationBehavior="aria"
      name={props.name}
      placeholder={props.placeholder ?? '–'}
    >
      <FieldLabel hidden={props.hideLabel} required={props.isRequired}>
        {props.label}
      </FieldLabel>
      <Button className="select-button">
        <SelectValue className="select-value" />
        <Icon name="chevronDown" />
      </Button>
      <FieldNotes hint={props.hint} error={props.error} />
      <Popover className="popover">
        <ListBox className="listbox" items={props.options}>
          {(option) => (
            <ListBoxItem
              id={option.value}
              textValue={option.label}
              isDisabled={option.disabled}
              className="option"
            >
              {({ isSelected }) => (
                <>
                  {option.sign}
                  <span className="option-text">{option.label}</span>
                  <span className="option-check">{isSelected && <Icon name="check" />}</span>
                </>
              )}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </AriaSelect>
  );
}
