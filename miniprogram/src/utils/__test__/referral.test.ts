import { describe, expect, test } from 'vitest'
import { formatDay } from '../time'
import { sampleReferral } from '../../testing/samples'
import type { PlanItem } from '../../services/referrals'
import { historyOf, isExpected, isUnderWay, planSaid, referralNote, referralTag } from '../referral'

describe('a referral', () => {
  test('is a word and a tone', () => {
    expect(referralTag(sampleReferral())).toEqual({ text: '已接收', tone: 'good' })
    expect(referralTag(sampleReferral({ state: 'rejected' })).tone).toBe('bad')
  })
  test('is expected at a place that still stands', () => {
    const { place } = sampleReferral()
    expect(isExpected(sampleReferral())).toBe(true)
    expect(isExpected(sampleReferral({ state: 'in_transit' }))).toBe(true)
    expect(isExpected(sampleReferral({ state: 'withdrawn' }))).toBe(false)
    expect(isExpected(sampleReferral({ place: null }))).toBe(false)
    expect(isExpected(sampleReferral({ place: place && { ...place, lost: true } }))).toBe(false)
  })
  test('sends nobody to a place that there is no more', () => {
    const { place } = sampleReferral()
    expect(referralNote(sampleReferral())).toContain('请按下面的时间和地点就诊')
    expect(referralNote(sampleReferral({ place: place && { ...place, lost: true } }))).toContain('先不要前往')
    expect(referralNote(sampleReferral({ state: 'withdrawn', place: place && { ...place, lost: true } }))).toContain('已经撤回')
  })
  test('is under way until it has ended', () => {
    expect(isUnderWay(sampleReferral({ state: 'requested' }))).toBe(true)
    expect(isUnderWay(sampleReferral({ state: 'treating' }))).toBe(true)
    expect(isUnderWay(sampleReferral({ state: 'completed' }))).toBe(false)
    expect(isUnderWay(sampleReferral({ state: 'lapsed' }))).toBe(false)
  })
  test('says of its plan what is done, what is not and why, and what is late', () => {
    const item: PlanItem = { number: 1, what: '复查心电图', due_on: '2020-01-05', result: 'open', done_on: null, not_done: null }
    expect(planSaid(item)).toEqual({ text: '已过期', tone: 'past' })
    expect(planSaid({ ...item, due_on: '2999-01-05' }).text).toBe('')
    expect(planSaid({ ...item, result: 'off' }).text).toBe('')
    expect(planSaid({ ...item, result: 'done', done_on: '2020-01-04' })).toEqual({ text: `已完成 ${formatDay('2020-01-04')}`, tone: 'done' })
    expect(planSaid({ ...item, result: 'not_done', not_done: 'elsewhere' }).text).toBe('未完成：在其他机构随访')
  })
  test('tells what happened, the last first, without what only staff care for', () => {
    expect(historyOf(sampleReferral()).map(({ name }) => name)).toEqual(['对方医院已接收', '医生发出转诊'])
  })
})
