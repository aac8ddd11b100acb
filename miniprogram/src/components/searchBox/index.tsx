// A line to search with.
import { View } from '@tarojs/components'
import { common } from '../../texts'
import { Entry } from '../field/entry'
import '../field/index.scss'
import { Icon } from '../icon'
import { Press } from '../press'
import './index.scss'

interface SearchBoxProps {
  value: string
  onChange: (value: string) => void
  label: string
  testId: string
}

export function SearchBox({ value, onChange, label, testId }: SearchBoxProps) {
  const clear = (): void => {
    onChange('')
  }
  return (
    <View className="search" role="search">
      <View className="search__icon"><Icon name="search" size={22} /></View>
      <Entry label={label} placeholder={label} value={value} onChange={onChange} keyboard="search" maxLength={40} testId={testId} />
      {value ? (
        <Press className="search__clear" onPress={clear} label={common.clear} testId={`${testId}-clear`}><Icon name="close" size={18} /></Press>
      ) : null}
    </View>
  )
}
