// What a page shows when it has nothing to show: loading, empty, failed.
import { Text, View } from '@tarojs/components'
import type { ReactNode } from 'react'
import type { Load } from '../../hooks/useLoad'
import type { Pages } from '../../hooks/usePages'
import { common } from '../../texts'
import type { ApiError } from '../../utils/apiError'
import { Button } from '../button'
import { Icon, type IconName } from '../icon'
import { Skeleton } from '../nut'
import './index.scss'

/** Grey bars where the content will be. */
export function Loading({ rows = 3 }: { rows?: number }) {
  return (
    <View className="state-loading" role="status" aria-label={common.loading}>
      {Array.from({ length: rows }, (_, i) => (
        <View className="state-loading__card" key={i}>
          <Skeleton rows={2} animated visible={false} />
        </View>
      ))}
    </View>
  )
}

interface EmptyProps {
  text: string
  hint?: string
  icon?: IconName
  action?: ReactNode
}

export function Empty({ text, hint, icon = 'paper', action }: EmptyProps) {
  return (
    <View className="state">
      <View className="state__icon"><Icon name={icon} size={40} /></View>
      <Text className="state__text">{text}</Text>
      {hint ? <Text className="state__hint">{hint}</Text> : null}
      {action ? <View className="state__action">{action}</View> : null}
    </View>
  )
}

export function Failed({ error, onRetry }: { error: ApiError; onRetry?: () => void }) {
  return (
    <View className="state" role="alert">
      <View className="state__icon state__icon--bad"><Icon name={error.isOffline ? 'offline' : 'alert'} size={40} /></View>
      <Text className="state__text" data-testid="error-text">{error.message}</Text>
      {error.requestId && error.status >= 500 ? <Text className="state__hint">{common.requestId(error.requestId)}</Text> : null}
      {onRetry ? (
        <View className="state__action">
          <Button kind="plain" small text={common.retry} onPress={onRetry} testId="retry" />
        </View>
      ) : null}
    </View>
  )
}

/** A failure beside the button that caused it. */
export function FormError({ error }: { error: ApiError | undefined }) {
  if (!error) return null
  return (
    <View className="form-error" role="alert" data-testid="form-error">
      <View className="form-error__icon"><Icon name="alert" size={20} /></View>
      <Text className="form-error__text">{error.message}</Text>
    </View>
  )
}

interface LoadedProps<T> {
  of: Load<T>
  rows?: number
  children: (data: T) => ReactNode
}

/** The content once it is there; a later failure does not take away what is already shown. */
export function Loaded<T>({ of, rows = 3, children }: LoadedProps<T>) {
  if (of.data !== undefined) return <>{children(of.data)}</>
  if (of.error) return <Failed error={of.error} onRetry={of.reload} />
  return <Loading rows={rows} />
}

interface LoadedListProps<T> {
  of: Pages<T>
  empty: ReactNode
  children: (items: T[]) => ReactNode
}

/** A paged list with its states and the button for more. */
export function LoadedList<T>({ of, empty, children }: LoadedListProps<T>) {
  if (of.error) return <Failed error={of.error} onRetry={of.reload} />
  if (!of.items) return <Loading rows={3} />
  if (of.items.length === 0) return <>{empty}</>
  return (
    <>
      {children(of.items)}
      {of.hasMore ? <Button kind="link" text={common.more} busy={of.loadingMore} onPress={of.more} testId="list-more" /> : null}
    </>
  )
}
