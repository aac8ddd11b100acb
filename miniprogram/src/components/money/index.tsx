// The one way money is shown: from fen, with its sign; nothing to pay says so.
import { Text } from '@tarojs/components'
import { common } from '../../texts'
import { yuan } from '../../utils/money'
import './index.scss'

interface MoneyProps {
  fen: number
  size?: 'normal' | 'big'
  /** Zero as a number instead of the word for "free". */
  exact?: boolean
}

export function Money({ fen, size = 'normal', exact = false }: MoneyProps) {
  return <Text className={`money money--${size}`}>{fen === 0 && !exact ? common.free : `¥${yuan(fen)}`}</Text>
}
