// Asking, in WeChat, to be told of changes: only a tap may ask, and each yes counts for one message.
import Taro from '@tarojs/taro'
import { fetchConfig } from '../services/config'
import { reportSubscriptions } from '../services/messages'
import { isWeapp } from './platform'

/** WeChat shows at most this many kinds in one question. */
const MOST = 3

let templates: [kind: string, id: string][] = []

/** Loads the templates before the tap: nothing may come between the tap and the question. */
export async function prepareSubscriptions(): Promise<void> {
  if (!isWeapp || templates.length > 0) return
  const config = await fetchConfig().catch(() => null)
  templates = Object.entries(config?.wechat.subscribe_templates ?? {}).slice(0, MOST)
}

/** Asks; a no, or a phone that cannot, changes nothing. */
export async function askSubscriptions(): Promise<void> {
  if (!isWeapp || templates.length === 0) return
  try {
    const question = { tmplIds: templates.map(([, id]) => id), entityIds: [] }
    const answer = (await Taro.requestSubscribeMessage(question)) as unknown as Record<string, string>
    const accepted = templates.filter(([, id]) => answer[id] === 'accept').map(([kind]) => kind)
    if (accepted.length > 0) await reportSubscriptions(accepted)
  } catch {
    // SMS still arrives.
  }
}
