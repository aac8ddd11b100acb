// The frame of every page: title, large type, room for the bottom bar.
import { View } from '@tarojs/components'
import type { PropsWithChildren, ReactNode } from 'react'
import { largeTypeStore } from '../../utils/largeType'
import { useStore } from '../../utils/store'
import { Boundary } from './boundary'
import { Head } from './head'
import './index.scss'

interface PageProps extends PropsWithChildren {
  title: string
  /** A page of the tab bar has no way back. */
  tab?: boolean
  /** Content to the edges, without the usual margin. */
  bare?: boolean
  /** Stays at the bottom edge: the page's main button. */
  bottom?: ReactNode
  className?: string
}

export function Page({ title, tab = false, bare = false, bottom, className = '', children }: PageProps) {
  const large = useStore(largeTypeStore)
  return (
    <View className={`page ${large ? 'page--large' : ''} ${className}`}>
      <Head title={title} tab={tab} />
      <View className={bare ? 'page__bare' : 'page__body'}>
        <Boundary>{children}</Boundary>
      </View>
      {bottom ? (
        <>
          <View className="page__bottom-room" />
          <View className="page__bottom">{bottom}</View>
        </>
      ) : null}
    </View>
  )
}
