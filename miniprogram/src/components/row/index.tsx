// One thing in a list that leads somewhere: its name, a line about it, an arrow.
import { Text, View } from '@tarojs/components'
import type { ReactNode } from 'react'
import { Icon, type IconName } from '../icon'
import { Press } from '../press'
import './index.scss'

interface RowProps {
  title: string
  note?: string | undefined
  icon?: IconName
  /** At the right, before the arrow. */
  side?: ReactNode
  onPress: () => void
  testId?: string
}

export function Row({ title, note, icon, side, onPress, testId }: RowProps) {
  return (
    <Press className="row" onPress={onPress} testId={testId ?? 'row'}>
      {icon ? <View className="row__icon"><Icon name={icon} size={24} /></View> : null}
      <View className="row__words">
        <Text className="row__title">{title}</Text>
        {note ? <Text className="row__note">{note}</Text> : null}
      </View>
      {side}
      <View className="row__arrow"><Icon name="forward" size={18} /></View>
    </Press>
  )
}
