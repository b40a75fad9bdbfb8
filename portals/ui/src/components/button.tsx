import { type ReactNode, useEffect, useId } from 'react';
import { Button as AriaButton, type ButtonProps as AriaButtonProps } from 'react-aria-components/Button';
import { Icon, type IconName } from './icon.tsx';

export interface ButtonProps extends Omit<AriaButtonProps, 'children' | 'className' | 'style'> {
  children: ReactNode;
  kind?: 'plain' | 'primary' | 'danger' | 'quiet';
  icon?: IconName;
}

/** A button. `isPending` keeps the focus, says so to screen readers and blocks a second press. */
export function Button({ kind = 'plain', icon, children, ...props }: ButtonProps) {
  const ownId = useId();
  const id = props.id ?? ownId;
  useEffect(
    () => () => {
      dropAnnouncements(id);
      // The first announcement of a page is held back for a tenth of a second.
      setTimeout(() => document.getElementById(id) ?? dropAnnouncements(id), 200);
    },
    [id],
  );
  return (
    <AriaButton {...props} id={id} className={`button button-${kind}`}>
      {props.isPending ? <span className="spinner" aria-hidden="true" /> : icon && <Icon name={icon} />}
      {children}
    </AriaButton>
  );
}

/**
 * React-aria announces a pending button for seven seconds by pointing at it. When the button is gone before that (a
 * sign-in, a dialog that was saved), the announcement would have no name.
 */
function dropAnnouncements(buttonId: string): void {
  const pointing = `[data-live-announcer] [aria-labelledby~="${CSS.escape(buttonId)}"]`;
  for (const node of document.querySelectorAll(pointing)) node.remove();
}

export interface IconButtonProps extends Omit<ButtonProps, 'children' | 'icon'> {
  /** Said by screen readers; give sighted people the same through a Tooltip where the sign is not common. */
  label: string;
  icon: IconName;
}

export function IconButton({ label, icon, kind = 'quiet', ...props }: IconButtonProps) {
  return (
    <AriaButton {...props} aria-label={label} className={`button icon-button button-${kind}`}>
      <Icon name={icon} />
    </AriaButton>
  );
}
