// What a pressable thing can be told; the same on every platform.
import type { CSSProperties, PropsWithChildren } from 'react'

export interface PressProps extends PropsWithChildren {
  className?: string
  style?: CSSProperties
  onPress: () => void
  disabled?: boolean
  /** What a screen reader says when the content does not say it. */
  label?: string
  testId?: string
  role?: 'button' | 'radio' | 'tab' | 'checkbox' | 'link'
  /** For radio, tab and checkbox. */
  selected?: boolean
}
