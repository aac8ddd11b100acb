// The input itself, on the web: the browser's own, for keyboards, autofill and screen readers.
import type { FieldProps } from './types'

const MODES = { text: 'text', digits: 'numeric', idcard: 'text', search: 'search' } as const

export function Entry(props: FieldProps) {
  const { label, value, onChange, keyboard = 'text', placeholder, maxLength, testId, onEnter, error } = props
  return (
    <input
      className="field__input"
      value={value}
      type="text"
      inputMode={MODES[keyboard]}
      enterKeyHint={keyboard === 'search' ? 'search' : 'done'}
      autoComplete={props.autoComplete ?? 'off'}
      autoCapitalize="characters"
      spellCheck={false}
      placeholder={placeholder}
      maxLength={maxLength}
      aria-label={label}
      aria-invalid={error ? true : undefined}
      data-testid={testId}
      onChange={(event) => {
        onChange(event.target.value)
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && !event.nativeEvent.isComposing) onEnter?.()
      }}
    />
  )
}
