// A newborn's papers as one application: what the hospital noted, the form, and how far the agencies are.
import { request } from '../utils/request'
import type { Sex } from './types'

export type HouseholdSide = 'mother' | 'father'
export type DeliveryWay = 'pickup' | 'mail'
export type FilingState =
  | 'draft' | 'submitted' | 'needs_correction' | 'in_progress' | 'partly_done' | 'completed' | 'withdrawing' | 'withdrawn' | 'rejected' | 'expired'
export type StepState = 'waiting' | 'ready' | 'asked' | 'accepted' | 'needs_correction' | 'rejected' | 'done' | 'cancelled' | 'not_wanted'

export interface Birth {
  id: string
  state: 'noted' | 'doubtful' | 'duplicate' | 'void'
  hospital: string
  born_at: string
  sex: Sex | 'unknown'
  weight_g: number
  order: number
  of: number
  /** Masked, as both are; null where the hospital was told of no father. */
  father: string | null
  mother: string
}

export interface Answers {
  child_name: string
  household_with: HouseholdSide
  single_parent: boolean
  other_name: string
  other_id_number: string
  wanted: string[]
  delivery: { way: DeliveryWay; receiver: string; phone: string; address: string }
  bank_account: string
}

export interface Problem {
  code: string
  text: string
  what_to_do: string
  kind: 'fix' | 'elsewhere' | 'left_out' | 'hint'
  field: string
  step: string
}

export interface Material {
  kind: string
  name: string
  source: 'e_licence' | 'upload' | 'produced' | 'record'
  state: 'wanted' | 'present'
  may_upload: boolean
  file_ids: string[]
}

/** A step as it would go: `wanted` by the answers as they are, or left out, or a wish not made yet. */
export interface StepPlan {
  code: string
  name: string
  agency_name: string
  optional: boolean
}

export interface Precheck {
  ok: boolean
  problems: Problem[]
  materials: Material[]
  /** Codes: those that would be asked for, and those that would not. */
  steps: string[]
  left_out: string[]
  plan: StepPlan[]
  promised_days: number
}

/** The paper or card of a step that is done, on its way. */
export interface Handover {
  what: string
  state: 'awaited' | 'posted' | 'ready' | 'missing' | 'received'
  mailed: boolean
  since: string
  due_at: string | null
  courier: string
  tracking_no: string
  place: string
  hours: string
  bring: string
  /** What is shown at the counter: six digits, or all of it as a QR. */
  code: string
  pickup: string
  /** Whether "received" may still be taken back. */
  may_claim: boolean
}

export interface Step {
  code: string
  name: string
  agency_name: string
  state: StepState
  /** The answers its agency may have corrected. */
  corrects: string[]
  needs: string[]
  optional: boolean
  receipt: string
  due_at: string | null
  ended_at: string | null
  correct_by: string | null
  stopping: boolean
  problems: Problem[]
  results: Record<string, string>
  result_names: Record<string, string>
  /** No printout of it holds any more. */
  revoked: boolean
  handover: Handover | null
}

export interface Filing {
  id: string
  birth: Birth
  state: FilingState
  answers: Answers
  steps: Step[]
  materials: Material[]
  /** What was to be known when it was handed in: steps that are done elsewhere, hints. */
  remarks: Problem[]
  /** Who has to move next; nobody once it is over. */
  owner: { kind: 'parents' | 'agency' | 'staff'; name: string; due_at: string } | null
  open_until: string
  submitted_at: string | null
  ended_at: string | null
}

/** The city's own words and limits: what another city says otherwise is not ours to say. */
export interface BirthPage {
  limits: {
    name_least: number
    name_most: number
    name_most_with_dot: number
    other_name: number
    receiver: number
    address_least: number
    address: number
    account_least: number
    account: number
  }
  words: Record<BirthWord, string>
  /** The steps that ask for a bank account. */
  account_steps: string[]
}

export type BirthWord =
  | 'no_birth_hint' | 'doubtful' | 'ok_hint' | 'single_hint' | 'name_hint' | 'name_wrong' | 'household_hint' | 'father_hint' | 'bank_hint'
  | 'bank_wrong' | 'pickup_hint' | 'mail_hint' | 'address_hint' | 'address_empty' | 'paper_hint' | 'ask'

const BIRTHS = '/api/v1/births'
const FILINGS = '/api/v1/birth-filings'
/** How every PNG begins, in Base64. */
const PNG = 'iVBORw0KGgo'

export async function listBirths(): Promise<Birth[]> {
  return (await request<{ items: Birth[] }>({ path: BIRTHS })).items
}

export function fetchBirthPage(): Promise<BirthPage> {
  return request({ path: `${BIRTHS}/page` })
}

/** The newest birth that may be filed and its newest filing; nothing, and one call, for everybody else. */
export async function newestBirth(): Promise<{ birth: Birth; filing: Filing | undefined } | null> {
  const birth = (await listBirths()).find(({ state }) => state === 'noted')
  return birth ? { birth, filing: (await listFilings()).find((one) => one.birth.id === birth.id) } : null
}

export function precheckBirth(birthId: string, answers: Answers): Promise<Precheck> {
  return request({ method: 'POST', path: `${BIRTHS}/${birthId}/precheck`, body: answers })
}

/** A draft, or the filing that is under way already. */
export function openFiling(birthId: string): Promise<Filing> {
  return request({ method: 'POST', path: FILINGS, body: { birth_id: birthId } })
}

export async function listFilings(): Promise<Filing[]> {
  return (await request<{ items: Filing[] }>({ path: FILINGS })).items
}

export function fetchFiling(id: string): Promise<Filing> {
  return request({ path: `${FILINGS}/${id}` })
}

export function amendFiling(id: string, answers: Answers): Promise<Filing> {
  return request({ method: 'PUT', path: `${FILINGS}/${id}`, body: answers })
}

export function submitFiling(id: string): Promise<Filing> {
  return request({ method: 'POST', path: `${FILINGS}/${id}/submit` })
}

export function correctStep(id: string, step: string, answers: Answers): Promise<Filing> {
  return request({ method: 'POST', path: `${FILINGS}/${id}/steps/${step}/correct`, body: answers })
}

export function withdrawFiling(id: string, reason: string): Promise<Filing> {
  return request({ method: 'POST', path: `${FILINGS}/${id}/withdraw`, body: { reason } })
}

/** A photo under its key: sent again, it is the same one. */
export interface Photo {
  key: string
  /** Base64 of a JPEG or, where the phone does not turn a screenshot into one, of a PNG. */
  content: string
}

export function addMaterial(id: string, kind: string, { key, content }: Photo): Promise<{ id: string }> {
  const type = content.startsWith(PNG) ? 'image/png' : 'image/jpeg'
  return request({ method: 'POST', path: `${FILINGS}/${id}/files`, body: { kind, content_type: type, content, key }, large: true })
}

/** What has come of a step, as a PDF. */
export function fetchPaper(id: string, step: string): Promise<ArrayBuffer> {
  return request({ path: `${FILINGS}/${id}/steps/${step}/paper`, binary: true })
}

/** It has come; said again, nothing changes. */
export function confirmReceived(id: string, step: string): Promise<Filing> {
  return request({ method: 'POST', path: `${FILINGS}/${id}/steps/${step}/received` })
}

/** It has not come, or does not lie where it should: staff look for it. */
export function reportMissing(id: string, step: string, text: string): Promise<Filing> {
  return request({ method: 'POST', path: `${FILINGS}/${id}/steps/${step}/missing`, body: { text } })
}

export function removeMaterial(id: string, fileId: string): Promise<void> {
  return request({ method: 'DELETE', path: `${FILINGS}/${id}/files/${fileId}` })
}
