import type { ComponentProps, ReactNode } from 'react';
import { Icon, type IconName } from './icon.tsx';

type Native = Pick<
  ComponentProps<'button'>,
  | 'type'
  | 'form'
  | 'id'
  | 'ref'
  | 'autoFocus'
  | 'aria-expanded'
  | 'aria-controls'
  | 'aria-describedby'
  | 'title'
>;

interface CommonProps extends Native {
  kind?: 'plain' | 'primary' | 'danger' | 'quiet';
  onPress?: (() => void) | undefined;
  isDisabled?: boolean | undefined;
  /** Under way: keeps the focus, says so to screen readers and blocks a second press. */
  isPending?: boolean | undefined;
}

export interface ButtonProps extends CommonProps {
  children: ReactNode;
  icon?: IconName;
}

/** A button. The browser's own: react-aria's weighs as much as a page, and a first page needs no more than a button. */
export function Button({ icon, children, ...props }: ButtonProps) {
  return (
    <Pressable {...props} className="">
      {props.isPending ? <span className="spinner" aria-hidden="true" /> : icon && <Icon name={icon} />}
      {children}
    </Pressable>
  );
}

export interface IconButtonProps extends CommonProps {
  /** Said by screen readers; give sighted people the same where the sign is not common. */
  label: string;
  icon: IconName;
}

export function IconButton({ label, icon, kind = 'quiet', ...props }: IconButtonProps) {
  return (
    <Pressable {...props} kind={kind} className="icon-button" aria-label={label}>
      <Icon name={icon} />
    </Pressable>
  );
}

function Pressable({
  kind = 'plain',
  className,
  onPress,
  isDisabled,
  isPending,
  ...props
}: CommonProps & { className: string; children: ReactNode; 'aria-label'?: string }) {
  return (
    <button
      type="button"
      {...props}
      className={`button ${className} button-${kind}`}
      disabled={isDisabled}
      // Not `disabled`: that would drop the focus in the middle of the work.
      aria-disabled={isPending || undefined}
      aria-busy={isPending || undefined}
      data-pending={isPending || undefined}
      onClick={(event) => {
        if (isPending) event.preventDefault();
        else onPress?.();
      }}
    />
  );
}
