// What the city has told the resident.
import { request } from '../utils/request'
import type { Message, MessageGroup, OptOut, Page } from './types'

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

/** Kinds of text message that the resident has stopped. */
export function listOptOuts(): Promise<{ items: OptOut[] }> {
  return request({ path: '/api/v1/messages/opt-outs' })
}

export function stopTexts(group: MessageGroup): Promise<void> {
  return request({ method: 'PUT', path: `/api/v1/messages/opt-outs/${group}` })
}

export function allowTexts(group: MessageGroup): Promise<void> {
  return request({ method: 'DELETE', path: `/api/v1/messages/opt-outs/${group}` })
}
