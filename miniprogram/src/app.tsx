// The app's frame: what happens once, before any page.
import { useLaunch, usePageNotFound } from '@tarojs/taro'
import type { PropsWithChildren } from 'react'
import './platform/global'
import './app.scss'
import { paintLargeType } from './utils/largeType'
import { goSignIn, replace, tabs } from './utils/navigate'
import { whenSignedOut } from './utils/request'

export default function App({ children }: PropsWithChildren) {
  useLaunch(() => {
    paintLargeType()
    whenSignedOut(goSignIn)
  })
  // A link of another time leads home, and not to an empty screen.
  usePageNotFound(() => {
    replace(tabs.home)
  })
  return children
}
