// A word in a coloured field: a state at a glance.
import { Text } from '@tarojs/components'
import './index.scss'

export type Tone = 'good' | 'wait' | 'bad' | 'calm' | 'info'

export function Tag({ text, tone = 'calm' }: { text: string; tone?: Tone }) {
  return <Text className={`tag tag--${tone}`}>{text}</Text>
}
