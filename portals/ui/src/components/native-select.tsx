import { useId } from 'react';

export interface SelectOption<K extends string = string> {
  value: K;
  label: string;
  disabled?: boolean;
}

export interface NativeSelectProps<K extends string> {
  label: string;
  hideLabel?: boolean;
  options: readonly SelectOption<K>[];
  value: K;
  onChange: (value: K) => void;
  isDisabled?: boolean;
  error?: string | null | undefined;
  name?: string;
}

/**
 * The browser's own select in our clothes: weighs nothing, and phones show their wheel.
 */
export function NativeSelect<K extends string>(props: NativeSelectProps<K>) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id} className={props.hideLabel ? 'visually-hidden' : 'label'}>
        {props.label}
      </label>
      <select
        id={id}
        className="input native-select"
        name={props.name}
        value={props.value}
        disabled={props.isDisabled}
        aria-invalid={!!props.error || undefined}
        aria-describedby={props.error ? `${id}-error` : undefined}
        onChange={(event) => props.onChange(event.target.value as K)}
      >
        {props.options.map((option) => (
          <option key={option.value} value={option.value} disabled={option.disabled}>
            {option.label}
          </option>
        ))}
      </select>
      {props.error && (
        <span id={`${id}-error`} className="field-error">
          {props.error}
        </span>
      )}
    </div>
  );
}
