// What the city has told the resident.
import { request } from '../utils/request'
import type { Message, Page } from './types'

export function listMessages(cursor?: string, limit = 20): Promise<Page<Message>> {
  return request({ path: '/api/v1/messages', query: { limit, cursor } })
}

export function markRead(messageId: string): Promise<void> {
  return request({ method: 'POST', path: `/api/v1/messages/${messageId}/read` })
}

/** Tells the city which WeChat messages the resident has just allowed. */
export function reportSubscriptions(kinds: string[]): Promise<void> {
  return request({ method: 'POST', path: '/api/v1/messages/subscriptions', body: { template_kinds: kinds } })
}
