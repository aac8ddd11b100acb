// Referrals: to which hospital, when, and how far it has come.
import { request } from '../utils/request'
import type { Page } from './types'

export type ReferralState =
  | 'requested' | 'returned' | 'accepted' | 'in_transit' | 'arrived' | 'treating'
  | 'completed' | 'rejected' | 'withdrawn' | 'lapsed' | 'not_arrived'
export type ReferralEvent =
  | 'send' | 'ask_more' | 'supplement' | 'accept' | 'reject' | 'wish' | 'rebook' | 'depart' | 'arrive' | 'begin_treatment'
  | 'complete' | 'withdraw' | 'escalate' | 'lapse' | 'miss' | 'redirect' | 'close' | 'identify' | 'follow_up'
export type Direction = 'up' | 'down'
export type Urgency = 'routine' | 'urgent' | 'emergency'
export type TransportKind = 'ambulance' | 'own' | 'escorted'
export type Outcome = 'recovered' | 'improved' | 'unchanged' | 'transferred' | 'died' | 'other'
export type RejectReason = 'no_bed' | 'no_capability' | 'not_indicated' | 'incomplete' | 'duplicate' | 'other'

/** One side: who sends, or who takes. */
export interface Party {
  organization_id: string
  organization: string
  address: string
  phone: string
  department: string | null
  practitioner: string | null
}

/** Where and when the patient is expected. */
export interface ReferralPlace {
  expected_at: string
  department: string | null
  /** Building and floor. */
  where: string
  practitioner: string | null
  number: number | null
  bed: string
  bring: string
  /** The hospital has to find another one. */
  lost: boolean
}

export interface Transport {
  kind: TransportKind
  departed_at: string
  expected_at: string | null
  vehicle: string
  crew_phone: string
}

export type NotDone = 'not_reached' | 'declined' | 'elsewhere' | 'not_needed' | 'died' | 'other'

/** One thing to do after discharge, and what has become of it. */
export interface PlanItem {
  number: number
  what: string
  due_on: string
  /** `off`: nobody follows the plan any more. */
  result: 'open' | 'done' | 'not_done' | 'off'
  done_on: string | null
  not_done: NotDone | null
}

export interface ReferralClinical {
  reason: string
  diagnoses: { text: string; code: string }[]
  summary: string
  discharge_summary: string
  plan: PlanItem[]
}

export interface ReferralStep {
  event: ReferralEvent
  at: string
  text: string
}

export interface Referral {
  id: string
  direction: Direction
  urgency: Urgency
  state: ReferralState
  patient: { id: string; name: string }
  sender: Party
  receiver: Party
  /** Null for who books for another adult and reads nothing of his record. */
  clinical: ReferralClinical | null
  place: ReferralPlace | null
  transport: Transport | null
  asked: string
  wish: string
  reject_reason: RejectReason | null
  outcome: Outcome | null
  outcome_text: string
  created_at: string
  follows: string | null
  followed_by: string | null
  history: ReferralStep[]
  /** What the patient may do now. */
  can: ReferralEvent[]
}

const REFERRALS = '/api/v1/referrals'

export function listReferrals(cursor?: string): Promise<Page<Referral>> {
  return request({ path: REFERRALS, query: { limit: 20, cursor } })
}

export function fetchReferral(id: string): Promise<Referral> {
  return request({ path: `${REFERRALS}/${id}` })
}

export function withdrawReferral(id: string): Promise<Referral> {
  return request({ method: 'POST', path: `${REFERRALS}/${id}/withdraw`, body: {} })
}

/** Another time, in the patient's own words; the receiver finds one. */
export function wishReferral(id: string, text: string): Promise<Referral> {
  return request({ method: 'POST', path: `${REFERRALS}/${id}/wish`, body: { text } })
}
