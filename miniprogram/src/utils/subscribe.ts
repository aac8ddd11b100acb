// Asking, in WeChat, to be told of changes: only a tap may ask, and each yes counts for one message.
import Taro from '@tarojs/taro'
import { fetchConfig } from '../services/config'
import { reportSubscriptions } from '../services/messages'
import { now } from './clock'
import { isWeapp } from './platform'

/** What the person is about to do; what may follow from it is what we ask for. */
export type Moment = 'booking' | 'paying' | 'cancelling' | 'code' | 'realname' | 'report' | 'referral' | 'birth'

/** WeChat takes at most three kinds in one question. */
export const MOST_KINDS = 3

export const kindsAt: Record<Moment, readonly string[]> = {
  booking: ['appointment_booked', 'schedule_stopped', 'appointment_cancelled'],
  paying: ['refund_succeeded', 'visit_reminder', 'appointment_cancelled'],
  cancelling: ['appointment_cancelled', 'refund_succeeded'],
  code: ['code_used', 'survey_card', 'survey_heard'],
  realname: ['phone_released', 'report_ready', 'referral'],
  report: ['report_ready', 'record_consent_asked', 'record_answered'],
  referral: ['referral', 'referral_missed', 'referral_follow_up'],
  birth: ['birth_filing'],
}

const UNSENT_KEY = 'hc.unsent_grants'

let templates: Record<string, string> | null = null

/** Loads the templates before the tap: nothing may come between the tap and the question. */
export async function prepareSubscriptions(): Promise<void> {
  if (!isWeapp || templates) return
  const config = await fetchConfig().catch(() => null)
  templates = config?.wechat.subscribe_templates ?? null
}

/** Asks for what fits the moment; a no, or a phone that cannot, changes nothing. */
export async function askSubscriptions(moment: Moment): Promise<void> {
  const wanted = kindsAt[moment].map((kind) => [kind, templates?.[kind]] as const)
  const known = wanted.filter((pair): pair is readonly [string, string] => Boolean(pair[1])).slice(0, MOST_KINDS)
  if (!isWeapp || known.length === 0) return
  try {
    const question = { tmplIds: known.map(([, id]) => id), entityIds: [] }
    const answer = (await Taro.requestSubscribeMessage(question)) as unknown as Record<string, string>
    await report(known.filter(([, id]) => answer[id] === 'accept').map(([kind]) => kind))
  } catch {
    // The message is still in the app's list, and most kinds come by SMS too.
  }
}

/** Asks at most once a day: for a tap that people make often, and in a hurry. */
export async function askDaily(moment: Moment): Promise<void> {
  const key = `hc.asked.${moment}`
  const today = new Date(now()).toDateString()
  if (!templates || Taro.getStorageSync(key) === today) return
  Taro.setStorageSync(key, today)
  await askSubscriptions(moment)
}

/** WeChat has given the grants already: one that the city did not hear of is told again next time. */
async function report(accepted: string[]): Promise<void> {
  const unsent = (Taro.getStorageSync<string[] | ''>(UNSENT_KEY) || []).filter((kind) => !accepted.includes(kind))
  const kinds = [...accepted, ...unsent]
  if (kinds.length === 0) return
  Taro.setStorageSync(UNSENT_KEY, kinds)
  await reportSubscriptions(kinds)
  Taro.removeStorageSync(UNSENT_KEY)
}
