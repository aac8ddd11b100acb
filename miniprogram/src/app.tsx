// The app's frame: what happens once, before any page.
import { useLaunch } from '@tarojs/taro'
import type { PropsWithChildren } from 'react'
import './platform/global'
import './app.scss'
import { paintLargeType } from './utils/largeType'
import { goSignIn } from './utils/navigate'
import { whenSignedOut } from './utils/request'

export default function App({ children }: PropsWithChildren) {
  useLaunch(() => {
    paintLargeType()
    whenSignedOut(goSignIn)
  })
  return children
}
