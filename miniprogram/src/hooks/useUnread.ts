// How many of the newest messages have not been opened.
import { listMessages } from '../services/messages'
import { useLoad } from './useLoad'

export function useUnread(meId: string | undefined): number {
  const first = useLoad(meId ?? null, () => listMessages(undefined, 20), true)
  return first.data?.items.filter((message) => !message.read_at).length ?? 0
}
