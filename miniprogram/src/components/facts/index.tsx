// Names and values, one pair a line: what was booked, who someone is.
import { Text, View } from '@tarojs/components'
import type { ReactNode } from 'react'
import './index.scss'

export type Fact = [name: string, value: ReactNode]

/** Pairs without a value are left out. */
export function Facts({ facts }: { facts: Fact[] }) {
  return (
    <View className="facts">
      {facts.filter(([, value]) => value !== null && value !== undefined && value !== '').map(([name, value]) => (
        <View className="facts__row" key={name}>
          <Text className="facts__name">{name}</Text>
          <View className="facts__value">{value}</View>
        </View>
      ))}
    </View>
  )
}
