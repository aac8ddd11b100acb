// The buttons people press to get on: one strong one on a page, quieter ones beside it.
import { Text } from '@tarojs/components'
import { Press } from '../press'
import type { PressProps } from '../press/types'
import './index.scss'

interface ButtonProps extends Omit<PressProps, 'children'> {
  text: string
  kind?: 'strong' | 'plain' | 'danger' | 'link'
  busy?: boolean
  small?: boolean
}

export function Button({ text, kind = 'strong', busy = false, small = false, disabled, className = '', ...rest }: ButtonProps) {
  const size = small ? 'button--small' : ''
  const off = disabled ? 'button--off' : ''
  return (
    <Press {...rest} disabled={disabled || busy} className={`button button--${kind} ${size} ${off} ${className}`}>
      {busy ? <Text className="button__spin" /> : null}
      <Text className="button__text">{text}</Text>
    </Press>
  )
}
