// The rules of the newborn's form that the phone can tell by itself, and a step's line in words. Pure.
import type { Tone } from '../components/tag'
import type { Answers, Birth, BirthPage, Filing, FilingState, Handover, Precheck, Problem, Step, StepPlan, StepState } from '../services/births'
import { filing as filingTexts, form as t } from '../texts/births'
import { isIdNumber, isPhone, shortMask } from './idNumber'
import { cityDate, formatDate } from './time'

export const FORM_STEPS = ['name', 'parents', 'wishes', 'materials'] as const
export type FormStep = (typeof FORM_STEPS)[number]

export const FILING_TONES: Record<FilingState, Tone> = {
  draft: 'wait', submitted: 'info', needs_correction: 'wait', in_progress: 'info', partly_done: 'wait', completed: 'good',
  withdrawing: 'info', withdrawn: 'calm', rejected: 'bad', expired: 'calm',
}

export const HANDOVER_TONES: Record<Handover['state'], Tone> = {
  awaited: 'info', posted: 'wait', ready: 'wait', missing: 'bad', received: 'good',
}

export const STEP_TONES: Record<StepState, Tone> = {
  waiting: 'calm', ready: 'info', asked: 'info', accepted: 'info', needs_correction: 'wait', rejected: 'bad', done: 'good',
  cancelled: 'calm', not_wanted: 'calm',
}

/** What is wrong, by the field it is wrong in. */
export type Faults = Partial<Record<string, string>>

const STEP_OF_FIELD: Record<string, FormStep> = {
  child_name: 'name',
  household_with: 'name',
  single_parent: 'parents',
  other_name: 'parents',
  other_id_number: 'parents',
  wanted: 'wishes',
  bank_account: 'wishes',
  delivery: 'wishes',
}

/** On which page of the form a field stands; the last one for what stands nowhere else. */
export function formStepOf(field: string): FormStep {
  return STEP_OF_FIELD[field.split('.')[0] ?? ''] ?? 'materials'
}

export const NO_ANSWERS: Answers = {
  child_name: '', household_with: 'mother', single_parent: false, other_name: '', other_id_number: '', wanted: [],
  delivery: { way: 'pickup', receiver: '', phone: '', address: '' }, bank_account: '',
}

/** Whether something wished for is paid out. */
export function asksAccount({ wanted }: Answers, { account_steps: steps }: BirthPage): boolean {
  return wanted.some((code) => steps.includes(code))
}

function nameFaults({ child_name: name }: Answers, { limits, words }: BirthPage): Faults {
  if (!name) return { child_name: t.nameEmpty }
  const length = Array.from(name).length
  const fits = /^[〇㐀-鿿\u{20000}-\u{3FFFF}]+(·[〇㐀-鿿\u{20000}-\u{3FFFF}]+)*$/u.test(name) && length >= limits.name_least && length <= limits.name_most_with_dot
  return fits ? {} : { child_name: words.name_wrong }
}

function parentFaults(answers: Answers, birth: Birth): Faults {
  if (answers.single_parent || birth.father) return {}
  return {
    ...(answers.other_name ? {} : { other_name: t.otherEmpty }),
    ...(isIdNumber(answers.other_id_number) ? {} : { other_id_number: t.idWrong }),
  }
}

function wishFaults(answers: Answers, page: BirthPage): Faults {
  const { bank_account: account, delivery } = answers
  const { limits, words } = page
  const faults: Faults = {}
  const fits = /^\d+$/.test(account) && account.length >= limits.account_least && account.length <= limits.account
  if (asksAccount(answers, page) && !fits) faults.bank_account = words.bank_wrong
  if (delivery.way !== 'mail') return faults
  if (!delivery.receiver) faults['delivery.receiver'] = t.receiverEmpty
  if (!isPhone(delivery.phone)) faults['delivery.phone'] = t.phoneWrong
  if (delivery.address.length < limits.address_least) faults['delivery.address'] = words.address_empty
  return faults
}

/** What the phone sees at once; what it cannot know, the pre-check says. */
export function faultsOf(step: FormStep, answers: Answers, birth: Birth, page: BirthPage): Faults {
  switch (step) {
    case 'name': return nameFaults(answers, page)
    case 'parents': return parentFaults(answers, birth)
    case 'wishes': return wishFaults(answers, page)
    case 'materials': return {}
  }
}

const STOPPING = ['fix', 'elsewhere']

/** What a pre-check found for one page of the form; what is still to come on later pages is not told yet. */
export function problemsOfStep(problems: Problem[], step: FormStep): Problem[] {
  return problems.filter(({ field }) => field !== '' && formStepOf(field) === step)
}

/** Before anything is filled in, what is yet to be filled in is no problem. */
export function checkedBefore({ problems }: Precheck): { ok: boolean; problems: Problem[] } {
  const told = problems.filter(({ kind }) => kind !== 'fix')
  return { ok: !told.some(({ kind }) => kind === 'elsewhere'), problems: told }
}

/** What will be done, and what may be wished for besides: not what the city sends elsewhere. */
export function stepsOf({ steps, plan, problems }: Precheck): StepPlan[] {
  const elsewhere = problems.some(({ kind }) => kind === 'left_out')
  return plan.filter(({ code, optional }) => steps.includes(code) || (optional && !elsewhere))
}

export function stops({ kind }: Problem): boolean {
  return STOPPING.includes(kind)
}

/** The first page of the form that the phone finds something wrong on. */
export function stepWithFault(answers: Answers, birth: Birth, page: BirthPage): FormStep | undefined {
  return FORM_STEPS.find((step) => Object.keys(faultsOf(step, answers, birth, page)).length > 0)
}

const OF_FATHER = ['single_parent', 'other_name', 'other_id_number']

/** What is asked again for a step: what the agency named, else whatever it may look at; the father is one question. */
export function correctedFields({ problems, corrects }: Step): string[] {
  const named = problems.map(({ field }) => field).filter((field) => corrects.includes(field))
  const asked = (named.length > 0 ? named : corrects).map((field) => (OF_FATHER.includes(field) ? 'other_name' : field))
  return [...new Set(asked)]
}

/** The answers with only these fields changed: the rest other agencies have before them. */
export function correctedAnswers(before: Answers, after: Answers, fields: string[]): Answers {
  const names = fields.flatMap((field) => (field === 'other_name' ? OF_FATHER : [field]))
  return { ...before, ...Object.fromEntries(Object.entries(after).filter(([name]) => names.includes(name))) }
}

/** How much of what was wanted is done. */
export function progressOf(steps: Step[]): { done: number; of: number } {
  const counted = steps.filter(({ state }) => state !== 'not_wanted')
  return { done: counted.filter(({ state }) => state === 'done').length, of: counted.length }
}

/** One step's state in a sentence: what, and for what it waits. */
export function stepWords(step: Step, steps: Step[]): string {
  if (step.stopping) return filingTexts.stopping
  if (step.state !== 'waiting') return filingTexts.steps[step.state]
  const before = steps.filter((one) => step.needs.includes(one.code) && one.state !== 'done').map((one) => one.name)
  return filingTexts.steps.waiting(before.join('、'))
}

/** When it will be, or was: nothing for what has no day. */
export function stepDay(step: Step): string {
  if (step.state === 'done') return step.ended_at ? filingTexts.doneOn(formatDate(cityDate(step.ended_at))) : ''
  if (step.state === 'needs_correction') return step.correct_by ? filingTexts.correctBy(formatDate(cityDate(step.correct_by))) : ''
  if (!step.due_at || !['asked', 'accepted'].includes(step.state)) return ''
  const day = cityDate(step.due_at)
  return day < cityDate() ? filingTexts.late(formatDate(day)) : filingTexts.due(formatDate(day))
}

/** A result as people read it: a day as a day, a masked number with few stars. */
export function resultWords(value: string): string {
  return /^\d{4}-\d\d-\d\d$/.test(value) ? formatDate(value) : shortMask(value)
}

/** Whichever dot a keyboard offers is the one that stands in names such as 阿依古丽·买买提. */
function withMiddleDots(name: string): string {
  return name.replace(/\s*[·•・･‧∙⋅●．]\s*/g, '·')
}

/** The answers without what has no meaning beside the others: nothing stale is sent. */
export function tidyAnswers(answers: Answers, page: BirthPage): Answers {
  const alone = answers.single_parent
  const mailed = answers.delivery.way === 'mail'
  return {
    ...answers,
    child_name: withMiddleDots(answers.child_name.replace(/\s/g, '')),
    other_name: alone ? '' : withMiddleDots(answers.other_name.trim()),
    other_id_number: alone ? '' : answers.other_id_number.replace(/\s/g, '').toUpperCase(),
    delivery: mailed
      ? { ...answers.delivery, receiver: answers.delivery.receiver.trim(), address: answers.delivery.address.trim() }
      : { way: 'pickup', receiver: '', phone: '', address: '' },
    bank_account: asksAccount(answers, page) ? answers.bank_account.replace(/\s/g, '') : '',
  }
}

/** Whether the same birth may be filed anew: what is done already is kept, and not asked for again. */
export function mayFileAgain(state: FilingState): boolean {
  return ['withdrawn', 'expired', 'rejected', 'partly_done'].includes(state)
}

export function isOver({ ended_at: endedAt }: Filing): boolean {
  return endedAt !== null
}

/** Whether something that is done has not reached the parents yet. */
export function isToReceive({ steps }: Filing): boolean {
  return steps.some(({ handover }) => handover !== null && handover.state !== 'received')
}

export function handoverState({ state, mailed }: Handover): string {
  return state === 'awaited' && !mailed ? filingTexts.handover.awaitedHere : filingTexts.handover[state]
}

/** What happens next with a paper, or what has happened, in a sentence. */
export function handoverWords({ state, mailed, since, due_at: due }: Handover, address: string): string {
  const day = due ? formatDate(cityDate(due)) : ''
  if (state === 'awaited') return mailed ? filingTexts.awaitedMail(day, address) : filingTexts.awaitedHere(day)
  if (state === 'missing') return filingTexts.missing
  return state === 'received' ? filingTexts.receivedOn(formatDate(cityDate(since))) : ''
}

/** Where it is: its number, or the place with its hours and what to bring. */
export function handoverFacts({ state, courier, tracking_no: number, place, hours, bring, code }: Handover): [string, string][] {
  if (state === 'posted') return [[filingTexts.courier, courier], [filingTexts.trackingNo, number]]
  if (state !== 'ready') return []
  const facts: [string, string][] = [
    [filingTexts.place, place], [filingTexts.hours, hours], [filingTexts.bring, bring], [filingTexts.code, code],
  ]
  return facts.filter(([, value]) => value !== '')
}

/** Only what is on its way is confirmed in passing; what nobody has sent yet, by telephone. */
export function mayConfirm({ state }: Handover): boolean {
  return ['posted', 'ready', 'missing'].includes(state)
}

export function mayMiss({ state, may_claim: mayClaim }: Handover): boolean {
  return ['posted', 'ready'].includes(state) || (state === 'received' && mayClaim)
}

/** Whether a filing can still be taken back. */
export function canWithdraw({ state }: Filing): boolean {
  return ['draft', 'submitted', 'needs_correction', 'in_progress'].includes(state)
}
