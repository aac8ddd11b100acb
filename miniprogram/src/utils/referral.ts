// What a referral's page makes of a referral: tones, the lines that a patient cares for.
import type { Tone } from '../components/tag'
import type { PlanItem, Referral, ReferralState, ReferralStep } from '../services/referrals'
import { notDoneNames, placeLostNote, referralEventNames, referrals as t, referralStateNames, referralStateNotes } from '../texts/referrals'
import { daysFromToday, formatDay } from './time'

const TONES: Record<ReferralState, Tone> = {
  requested: 'wait', returned: 'wait', accepted: 'good', in_transit: 'info', arrived: 'info', treating: 'info',
  completed: 'calm', rejected: 'bad', withdrawn: 'calm', lapsed: 'bad', not_arrived: 'bad',
}
const EXPECTED: ReferralState[] = ['accepted', 'in_transit']
const UNDER_WAY: ReferralState[] = ['requested', 'returned', ...EXPECTED, 'arrived', 'treating']

export function referralTag({ state }: Pick<Referral, 'state'>): { text: string; tone: Tone } {
  return { text: referralStateNames[state], tone: TONES[state] }
}

/** Whether somebody still waits for the patient at the place it says. */
export function isExpected({ state, place }: Pick<Referral, 'state' | 'place'>): boolean {
  return EXPECTED.includes(state) && place !== null && !place.lost
}

/** What it means for the patient: nobody is sent to a place that there is no more. */
export function referralNote({ state, place }: Pick<Referral, 'state' | 'place'>): string {
  return EXPECTED.includes(state) && place?.lost ? placeLostNote : referralStateNotes[state]
}

/** Whether it goes on: what the patient looks up on the way. */
export function isUnderWay({ state }: Pick<Referral, 'state'>): boolean {
  return UNDER_WAY.includes(state)
}

/** What has become of a thing of the plan, beside its day. */
export function planSaid({ due_on: due, result, done_on: done, not_done: why }: PlanItem): { text: string; tone: '' | 'past' | 'done' } {
  if (result === 'done' && done) return { text: t.planDone(formatDay(done)), tone: 'done' }
  if (result === 'not_done' && why) return { text: t.planNotDone(notDoneNames[why]), tone: '' }
  return result === 'open' && daysFromToday(due) < 0 ? { text: t.planPast, tone: 'past' } : { text: '', tone: '' }
}

/** What happened, the last first; what says nothing to the patient is left out. */
export function historyOf({ history }: Pick<Referral, 'history'>): (ReferralStep & { name: string })[] {
  return [...history].reverse().flatMap((line) => {
    const name = referralEventNames[line.event]
    return name ? [{ ...line, name }] : []
  })
}
