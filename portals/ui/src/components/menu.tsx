import type { ReactNode, RefObject } from 'react';
import {
  Menu as AriaMenu,
  MenuItem as AriaMenuItem,
  type MenuItemProps as AriaMenuItemProps,
  MenuSection as AriaMenuSection,
  Header,
  Popover,
  Separator,
} from 'react-aria-components/Menu';
import { Icon, type IconName } from './icon.tsx';

/** An open menu at a button that stands elsewhere; for menus that are loaded when first wanted. */
export function MenuPopover(props: {
  trigger: RefObject<HTMLElement | null>;
  label: string;
  onClose: () => void;
  children: ReactNode;
}) {
  return (
    <Popover
      className="popover"
      triggerRef={props.trigger}
      aria-label={props.label}
      placement="bottom end"
      isOpen
      onOpenChange={(open) => !open && props.onClose()}
    >
      <AriaMenu className="menu" aria-label={props.label} autoFocus="first" onClose={props.onClose}>
        {props.children}
      </AriaMenu>
    </Popover>
  );
}

export interface MenuItemProps
  extends Omit<AriaMenuItemProps, 'children' | 'className' | 'style' | 'textValue'> {
  label: string;
  icon?: IconName;
  danger?: boolean;
  /** Shown at the end, e.g. a Kbd. */
  end?: ReactNode;
}

export function MenuItem({ label, icon, danger, end, ...props }: MenuItemProps) {
  return (
    <AriaMenuItem {...props} textValue={label} className={danger ? 'option option-danger' : 'option'}>
      {({ selectionMode, isSelected }) => (
        <>
          {selectionMode !== 'none' && (
            <span className="option-check">{isSelected && <Icon name="check" />}</span>
          )}
          {icon && <Icon name={icon} />}
          <span className="option-text">{label}</span>
          {end}
        </>
      )}
    </AriaMenuItem>
  );
}

export interface MenuChoiceProps<K extends string> {
  title: string;
  value: K;
  onChange: (value: K) => void;
  options: readonly { value: K; label: string }[];
}

/** One-of-several inside a menu, e.g. language or theme. */
export function MenuChoice<K extends string>(props: MenuChoiceProps<K>) {
  return (
    <AriaMenuSection
      selectionMode="single"
      disallowEmptySelection
      selectedKeys={[props.value]}
      onSelectionChange={(keys) => {
        const [key] = keys === 'all' ? [] : keys;
        if (key !== undefined) props.onChange(key as K);
      }}
    >
      <Header className="section-title">{props.title}</Header>
      {props.options.map((option) => (
        <MenuItem key={option.value} id={option.value} label={option.label} shouldCloseOnSelect={false} />
      ))}
    </AriaMenuSection>
  );
}

export function MenuSeparator() {
  return <Separator className="menu-separator" />;
}
