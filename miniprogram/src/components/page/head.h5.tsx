// The title bar of the web app, with the way back.
import { useDidShow } from '@tarojs/taro'
import { appName, common } from '../../texts'
import { goBack } from '../../utils/navigate'
import { Icon } from '../icon'
import { Press } from '../press'

interface HeadProps {
  title: string
  tab: boolean
}

export function Head({ title, tab }: HeadProps) {
  useDidShow(() => {
    document.title = title === appName ? appName : `${title} - ${appName}`
  })
  return (
    <header className="head">
      {tab ? null : (
        <Press className="head__back" onPress={goBack} label={common.back} testId="page-back">
          <Icon name="back" size={24} />
        </Press>
      )}
      <h1 className="head__title">{title}</h1>
    </header>
  )
}
