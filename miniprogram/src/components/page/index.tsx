// The frame of every page: title and large type.
import { View } from '@tarojs/components'
import type { PropsWithChildren } from 'react'
import { largeTypeStore } from '../../utils/largeType'
import { useStore } from '../../utils/store'
import { Boundary } from './boundary'
import { Head } from './head'
import './index.scss'

export { Bottom } from './bottom'

interface PageProps extends PropsWithChildren {
  title: string
  /** A page of the tab bar has no way back. */
  tab?: boolean
  /** Content to the edges, without the usual margin. */
  bare?: boolean
  className?: string
}

export function Page({ title, tab = false, bare = false, className = '', children }: PageProps) {
  const large = useStore(largeTypeStore)
  return (
    <View className={`page ${large ? 'page--large' : ''} ${className}`}>
      <Head title={title} tab={tab} />
      <View className={bare ? 'page__bare' : 'page__body'}>
        <Boundary>{children}</Boundary>
      </View>
    </View>
  )
}
