import { type ReactNode, useState } from 'react';
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from 'react-aria-components/Modal';
import { uiMessages } from '../i18n/ui-messages.ts';
import { Button, IconButton } from './button.tsx';
import { Alert } from './states.tsx';

export interface DialogProps {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  children: ReactNode;
  /** Buttons under the content. */
  footer?: ReactNode;
  wide?: boolean;
  role?: 'dialog' | 'alertdialog';
  /** What is typed is kept while the dialog is closed (a draft): closing it loses nothing. */
  keepsText?: boolean;
}

/** Fields that take text; a tick or a choice is made again in a moment. */
const isText = (target: EventTarget): target is HTMLInputElement | HTMLTextAreaElement =>
  target instanceof HTMLTextAreaElement ||
  (target instanceof HTMLInputElement && !/^(checkbox|radio|button|file|range)$/.test(target.type));

/**
 * A modal dialog: focus is held inside and returns, Escape and a click beside it close it. Where something was typed
 * that nobody keeps, the first of them says so and the second closes.
 */
export function Dialog(props: DialogProps) {
  const t = uiMessages.useT();
  const [typed, setTyped] = useState(false);
  const [asked, setAsked] = useState(false);
  function leave(): void {
    if (typed && !asked) setAsked(true);
    else props.onClose();
  }
  return (
    <ModalOverlay
      className="modal-overlay"
      isOpen={props.isOpen}
      onOpenChange={(open) => !open && leave()}
      isDismissable={props.role !== 'alertdialog'}
    >
      <Modal className={props.wide ? 'modal modal-wide' : 'modal'}>
        <AriaDialog className="dialog" role={props.role ?? 'dialog'}>
          <div className="dialog-head">
            <Heading slot="title" level={2}>
              {props.title}
            </Heading>
            <IconButton icon="close" label={t('action.close')} onPress={props.onClose} />
          </div>
          <div
            className="dialog-body"
            onInput={({ target }) => {
              if (props.keepsText || !isText(target)) return;
              setTyped(target.value !== '');
              setAsked(false);
            }}
          >
            {asked && <Alert tone="warn">{t('dialog.loses_text')}</Alert>}
            {props.children}
          </div>
          {props.footer && <div className="dialog-foot">{props.footer}</div>}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

export interface ConfirmDialogProps {
  title: string;
  children: ReactNode;
  isOpen: boolean;
  onClose: () => void;
  onConfirm: () => void;
  /** The verb of what happens ("Löschen"), never "OK". */
  confirmLabel: string;
  danger?: boolean;
  isPending?: boolean;
}

/** Asks before something that cannot be undone. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const t = uiMessages.useT();
  return (
    <Dialog
      title={props.title}
      isOpen={props.isOpen}
      onClose={props.onClose}
      role="alertdialog"
      footer={
        <>
          <Button onPress={props.onClose}>{t('action.cancel')}</Button>
          <Button
            kind={props.danger ? 'danger' : 'primary'}
            isPending={!!props.isPending}
            onPress={props.onConfirm}
          >
            {props.confirmLabel}
          </Button>
        </>
      }
    >
      {props.children}
    </Dialog>
  );
}
