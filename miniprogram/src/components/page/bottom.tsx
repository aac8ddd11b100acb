// The page's main button: at the bottom edge of the screen, however long the page and large its letters.
import { View } from '@tarojs/components'
import type { PropsWithChildren } from 'react'

export function Bottom({ children }: PropsWithChildren) {
  return (
    <>
      <View className="page__bottom-room" />
      <View className="page__bottom">{children}</View>
    </>
  )
}
