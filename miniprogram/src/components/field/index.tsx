// One line of input with its label, a hint and its own error.
import { Text, View } from '@tarojs/components'
import { Entry } from './entry'
import type { FieldProps } from './types'
import './index.scss'

export function Field(props: FieldProps) {
  const { label, error, hint, suffix } = props
  return (
    <View className="field">
      <Text className="field__label" aria-hidden>{label}</Text>
      <View className={`field__line ${error ? 'field__line--bad' : ''}`}>
        <Entry {...props} />
        {suffix}
      </View>
      {error ? <View className="field__error" role="alert">{error}</View> : null}
      {hint && !error ? <Text className="field__hint">{hint}</Text> : null}
    </View>
  )
}
