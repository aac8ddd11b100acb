import { describe, expect, test } from 'vitest'
import { sampleAppointment } from '../../testing/samples'
import { isConfirmDue, isForToday, isHoldOver, isPaymentDue, queueText, stateTag } from '../appointment'
import { isIdNumber, isPhone, shortMask, tidyIdNumber } from '../idNumber'
import { newId } from '../ids'
import { yuan } from '../money'
import { createStore } from '../store'
import { addDays, cityDate } from '../time'

describe('money', () => {
  test.each([[1250, '12.50'], [5, '0.05'], [0, '0.00'], [100_000, '1000.00'], [-1500, '-15.00']])('%i fen are %s yuan', (fen, text) => {
    expect(yuan(fen)).toBe(text)
  })
})

describe('an ID number', () => {
  test.each(['11010519491231002X', '440524188001010014'])('%s is right', (text) => {
    expect(isIdNumber(text)).toBe(true)
  })
  test.each(['110105194912310021', '11010519491331002X', '1101051949123100', '01010519491231002X', ''])('%j is wrong', (text) => {
    expect(isIdNumber(text)).toBe(false)
  })
  test('is tidied as people type it', () => {
    expect(tidyIdNumber(' 110105 19491231 002x ')).toBe('11010519491231002X')
  })
  test('keeps few stars when masked', () => {
    expect(shortMask('110***********002X')).toBe('110****002X')
    expect(shortMask('138****5678')).toBe('138****5678')
  })
})

test('a phone number is eleven digits of a mobile', () => {
  expect(isPhone('13812345678')).toBe(true)
  expect(isPhone('12812345678')).toBe(false)
  expect(isPhone('1381234567')).toBe(false)
})

test('ids are what the server takes as an idempotency key, and never twice the same', () => {
  const ids = Array.from({ length: 500 }, newId)
  expect(new Set(ids).size).toBe(500)
  expect(ids.every((id) => /^[A-Za-z0-9_-]{8,64}$/.test(id))).toBe(true)
})

test('a store tells its watchers until they leave', () => {
  const store = createStore(1)
  const heard: number[] = []
  const leave = store.subscribe(() => heard.push(store.get()))
  store.set(2)
  leave()
  store.set(3)
  expect(heard).toEqual([2])
})

describe('the queue', () => {
  const position = { number: 10, called: 4, ahead: 3, is_over: false, called_at: '2026-11-22T01:00:00Z' }
  test('says which number is called and how many are before', () => {
    expect(queueText(position)).toBe('4号，您前面还有3人')
    expect(queueText({ ...position, called: 11, is_over: true })).toBe('11号，您的号已叫过，请到诊区说明')
  })
  test('says nothing while nobody is called', () => {
    expect(queueText({ ...position, called: null })).toBeNull()
    expect(queueText(undefined)).toBeNull()
  })
  test('is of today alone, and of who is expected', () => {
    const today = sampleAppointment({ state: 'booked', on: cityDate(), missed_at: null })
    expect(isForToday(today)).toBe(true)
    expect(isForToday({ ...today, on: addDays(cityDate(), 1) })).toBe(false)
    expect(isForToday({ ...today, state: 'cancelled' })).toBe(false)
    expect(isForToday({ ...today, missed_at: '2026-11-22T01:00:00Z' })).toBe(false)
  })
})

describe('an appointment', () => {
  const soon = new Date(Date.now() + 60_000).toISOString()
  const gone = new Date(Date.now() - 60_000).toISOString()
  const payment = sampleAppointment().payment

  test('that is held and unpaid waits for money while its time runs', () => {
    const held = sampleAppointment({ state: 'held', hold_until: soon, payment: { ...payment, state: 'due' } })
    expect(isPaymentDue(held)).toBe(true)
    expect(stateTag(held)).toEqual({ text: '待支付', tone: 'wait' })
  })
  test('whose time has passed is over before the server has swept it', () => {
    const late = sampleAppointment({ state: 'held', hold_until: gone, payment: { ...payment, state: 'due' } })
    expect(isHoldOver(late)).toBe(true)
    expect(isPaymentDue(late)).toBe(false)
    expect(stateTag(late).text).toBe('已失效')
  })
  test('whose payment is being looked at is not over', () => {
    expect(isHoldOver(sampleAppointment({ state: 'held', hold_until: gone, payment: { ...payment, state: 'paying' } }))).toBe(false)
  })
  test('whose payment was begun is still to be paid, until the time is over', () => {
    const begun = { ...payment, state: 'paying' as const }
    expect(stateTag(sampleAppointment({ state: 'held', hold_until: soon, payment: begun })).text).toBe('待支付')
    expect(stateTag(sampleAppointment({ state: 'held', hold_until: gone, payment: begun })).text).toBe('支付确认中')
  })
  test('that costs nothing waits for a tap', () => {
    expect(isConfirmDue(sampleAppointment({ state: 'held', hold_until: soon, fee_fen: 0, payment: { ...payment, state: 'none' } }))).toBe(true)
  })
  test('that was cancelled says where the money is', () => {
    const cancelled = sampleAppointment({ state: 'cancelled', payment: { ...payment, state: 'refunding' } })
    expect(stateTag(cancelled).text).toBe('已取消 · 退款中')
  })
  test('that was cancelled after paying is being refunded, whether or not the refund has begun', () => {
    expect(stateTag(sampleAppointment({ state: 'cancelled' })).text).toBe('已取消 · 退款中')
  })
  test('that is booked is good, that was stopped is bad', () => {
    expect(stateTag(sampleAppointment()).tone).toBe('good')
    expect(stateTag(sampleAppointment({ state: 'stopped', payment: { ...payment, state: 'none' } })).tone).toBe('bad')
  })
})
