// Two or three lists behind one another.
import { Text, View } from '@tarojs/components'
import { Press } from '../press'
import './index.scss'

interface TabsProps<K extends string> {
  tabs: { key: K; text: string }[]
  chosen: K
  onChoose: (key: K) => void
}

export function Tabs<K extends string>({ tabs, chosen, onChoose }: TabsProps<K>) {
  return (
    <View className="tabs" role="tablist">
      {tabs.map(({ key, text }) => (
        <Press
          key={key} role="tab" selected={key === chosen} className={`tabs__tab ${key === chosen ? 'tabs__tab--on' : ''}`} testId={`tab-${key}`}
          onPress={() => {
            onChoose(key)
          }}
        >
          <Text>{text}</Text>
        </Press>
      ))}
    </View>
  )
}
