// The input itself, in the mini-program.
import { Input } from '@tarojs/components'
import type { FieldProps } from './types'

const TYPES = { text: 'text', digits: 'number', idcard: 'idcard', search: 'text' } as const

export function Entry({ label, value, onChange, keyboard = 'text', placeholder, maxLength = 140, onEnter }: FieldProps) {
  return (
    <Input
      className="field__input"
      value={value}
      type={TYPES[keyboard]}
      placeholder={placeholder ?? ''}
      placeholderClass="field__placeholder"
      maxlength={maxLength}
      confirmType={keyboard === 'search' ? 'search' : 'done'}
      ariaLabel={label}
      onInput={(event) => {
        onChange(event.detail.value)
      }}
      onConfirm={() => {
        onEnter?.()
      }}
    />
  )
}
