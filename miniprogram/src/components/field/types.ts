// One line of input with its label.
import type { ReactNode } from 'react'

export interface FieldProps {
  label: string
  value: string
  onChange: (value: string) => void
  /** Which keyboard comes up. */
  keyboard?: 'text' | 'digits' | 'idcard' | 'search'
  placeholder?: string
  maxLength?: number
  /** A sentence under the field, in red. */
  error?: string | undefined
  hint?: string
  testId?: string
  /** A small button at the right end. */
  suffix?: ReactNode
  onEnter?: () => void
  autoComplete?: string
}
