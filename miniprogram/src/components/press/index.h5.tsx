// Anything that can be tapped, on the web: a real button, so keyboards and screen readers work.
import type { PressProps } from './types'
import './index.scss'

export function Press({ className = '', style, onPress, disabled, label, testId, role = 'button', selected, children }: PressProps) {
  const state = role === 'tab' ? { 'aria-selected': selected } : { 'aria-checked': selected }
  return (
    <button
      type="button"
      className={`press ${disabled ? 'press--off' : ''} ${className}`}
      style={style}
      disabled={disabled}
      aria-label={label}
      data-testid={testId}
      role={role === 'button' ? undefined : role}
      onClick={onPress}
      {...(role === 'button' || role === 'link' ? {} : state)}
    >
      {children}
    </button>
  )
}
