// Anything that can be tapped, in the mini-program.
import { View } from '@tarojs/components'
import type { PressProps } from './types'
import './index.scss'

export function Press({ className = '', style, onPress, disabled, label, role = 'button', selected, children }: PressProps) {
  const aria = { ariaRole: role, ariaLabel: label, ariaDisabled: disabled, ariaSelected: selected, ariaChecked: selected }
  return (
    <View
      className={`press ${disabled ? 'press--off' : ''} ${className}`}
      style={style}
      hoverClass={disabled ? 'none' : 'press--down'}
      onClick={() => {
        if (!disabled) onPress()
      }}
      {...aria}
    >
      {children}
    </View>
  )
}
