// A question with a few answers to tap; with `several`, more than one.
import { Text, View } from '@tarojs/components'
import { Press } from '../press'
import './index.scss'

export interface Option<K extends string> {
  key: K
  text: string
  hint?: string | undefined
}

interface ChoiceProps<K extends string> {
  label: string
  hint?: string | undefined
  options: Option<K>[]
  chosen: K | readonly K[] | null | undefined
  onChoose: (key: K) => void
  several?: boolean
  error?: string | undefined
  testId: string
}

export function Choice<K extends string>({ label, hint, options, chosen, onChoose, several = false, error, testId }: ChoiceProps<K>) {
  return (
    <View className="choice" role={several ? 'group' : 'radiogroup'} aria-label={label}>
      <Text className="choice__label">{label}</Text>
      {hint ? <Text className="choice__hint">{hint}</Text> : null}
      {options.map(({ key, text, hint: more }) => {
        const on = typeof chosen === 'string' ? chosen === key : (chosen ?? []).includes(key)
        return (
          <Press
            key={key} role={several ? 'checkbox' : 'radio'} selected={on} testId={`${testId}-${key}`}
            className={`choice__option ${on ? 'choice__option--on' : ''}`}
            onPress={() => {
              onChoose(key)
            }}
          >
            <View className={`choice__mark ${several ? 'choice__mark--box' : ''} ${on ? 'choice__mark--on' : ''}`} />
            <View className="choice__words">
              <Text className="choice__text">{text}</Text>
              {more ? <Text className="choice__hint">{more}</Text> : null}
            </View>
          </Press>
        )
      })}
      {error ? <View className="choice__error" role="alert">{error}</View> : null}
    </View>
  )
}
