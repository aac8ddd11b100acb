import { describe, expect, test } from 'vitest'
import { sampleReferral } from '../../testing/samples'
import { historyOf, isExpected, isUnderWay, referralNote, referralTag } from '../referral'

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
  test('tells what happened, the last first, without what only staff care for', () => {
    expect(historyOf(sampleReferral()).map(({ name }) => name)).toEqual(['对方医院已接收', '医生发出转诊'])
  })
})
