// A panel from the bottom edge: to choose, or to ask before something that cannot be undone.
import { Text, View } from '@tarojs/components'
import type { PropsWithChildren } from 'react'
import { common } from '../../texts'
import type { ApiError } from '../../utils/apiError'
import { Button } from '../button'
import { Icon } from '../icon'
import { Popup } from '../nut'
import { Press } from '../press'
import { FormError } from '../states'
import './index.scss'

interface SheetProps extends PropsWithChildren {
  open: boolean
  title: string
  onClose: () => void
}

export function Sheet({ open, title, onClose, children }: SheetProps) {
  return (
    <Popup visible={open} position="bottom" round lockScroll={false} onClose={onClose} className="sheet-popup" destroyOnClose>
      <View className="sheet" role="dialog" aria-label={title}>
        <View className="sheet__head">
          <Text className="sheet__title">{title}</Text>
          <Press className="sheet__close" onPress={onClose} label={common.close} testId="sheet-close">
            <Icon name="close" size={22} />
          </Press>
        </View>
        {children}
      </View>
    </Popup>
  )
}

interface ConfirmProps extends PropsWithChildren {
  open: boolean
  title: string
  text?: string
  action: string
  danger?: boolean
  busy?: boolean
  error?: ApiError | undefined
  onConfirm: () => void
  onClose: () => void
  testId?: string
}

/** Asks once; the strong button does it, the other keeps things as they are. */
export function Confirm({ open, title, text, action, danger, busy, error, onConfirm, onClose, testId, children }: ConfirmProps) {
  return (
    <Sheet open={open} title={title} onClose={onClose}>
      {text ? <Text className="sheet__text">{text}</Text> : null}
      {children}
      <FormError error={error} />
      <Button kind={danger ? 'danger' : 'strong'} text={action} busy={busy ?? false} onPress={onConfirm} testId={testId ?? 'confirm-yes'} />
      <Button kind="link" className="sheet__keep" text={common.keep} onPress={onClose} testId="confirm-no" />
    </Sheet>
  )
}
