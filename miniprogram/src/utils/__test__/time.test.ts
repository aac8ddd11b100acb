import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { learnServerTime, now } from '../clock'
import {
  addDays, cityDate, cityTime, daysFromToday, formatAfterMidnight, formatCountdown, formatDate, formatDay, formatInstant, formatMoment, formatTime, formatTimes,
  formatVisitDay, formatWeekday,
} from '../time'

beforeEach(() => {
  vi.useFakeTimers()
  // Half past midnight on Thursday in the city, still Wednesday in most of the world.
  vi.setSystemTime('2026-09-16T16:30:00Z')
})
afterEach(() => {
  vi.useRealTimers()
})

describe('times of the city', () => {
  test.each(['America/New_York', 'Asia/Shanghai', 'Pacific/Kiritimati', 'UTC'])('are the same on a phone set to %s', (zone) => {
    vi.stubEnv('TZ', zone)
    expect(cityDate()).toBe('2026-09-17')
    expect(formatTime('2026-09-17T00:05:00Z')).toBe('08:05')
    expect(formatInstant('2026-09-16T16:30:00Z')).toBe('9月17日 00:30')
    expect(formatMoment('2026-09-16T16:30:00Z')).toBe('9月17日 00:30')
    expect(formatMoment('2026-09-16T16:00:00Z')).toBe('9月17日')
    expect(formatWeekday('2026-09-17')).toBe('周四')
    vi.unstubAllEnvs()
  })
  test('midnight belongs to the day that begins', () => {
    expect(cityDate('2026-12-31T15:59:59Z')).toBe('2026-12-31')
    expect(cityDate('2026-12-31T16:00:00Z')).toBe('2027-01-01')
    expect(cityTime('2026-12-31T16:00:00Z')).toMatchObject({ hour: 0, minute: 0, weekday: 5 })
  })
  test('near days are named, others carry their weekday', () => {
    expect(formatDay('2026-09-17')).toBe('9月17日 今天')
    expect(formatDay('2026-09-18')).toBe('9月18日 明天')
    expect(formatDay('2026-09-19')).toBe('9月19日 后天')
    expect(formatDay('2026-09-20')).toBe('9月20日 周日')
    expect(formatDay('2026-09-16')).toBe('9月16日 周三')
  })
  test('a visit after midnight is on the day that it begins, whatever day its session is of', () => {
    expect(formatVisitDay('2026-09-18T15:55:00Z')).toBe('9月18日 明天')
    expect(formatVisitDay('2026-09-18T16:04:00Z')).toBe('9月19日 后天')
    expect(formatAfterMidnight('2026-09-18', '2026-09-18T15:55:00Z')).toBe('')
    expect(formatAfterMidnight('2026-09-18', '2026-09-18T16:04:00Z')).toBe('次日')
  })
  test('another year is said', () => {
    expect(formatDate('2027-01-02')).toBe('2027年1月2日')
    expect(formatDate('2026-01-02')).toBe('1月2日')
  })
  test('days are counted over the end of a month and of a leap February', () => {
    expect(addDays('2026-09-28', 5)).toBe('2026-10-03')
    expect(addDays('2028-02-28', 1)).toBe('2028-02-29')
    expect(daysFromToday('2026-10-01')).toBe(14)
  })
  test('a slot is from when to when', () => {
    expect(formatTimes('2026-09-18T00:00:00Z', '2026-09-18T00:08:00Z')).toBe('08:00–08:08')
  })
  test.each([[300, '5分00秒'], [61, '1分01秒'], [59.2, '1分00秒'], [0.2, '1秒'], [-3, '0秒']])('a countdown of %d s reads %s', (seconds, text) => {
    expect(formatCountdown(seconds)).toBe(text)
  })
})

describe('the clock', () => {
  test('follows the server when the phone is minutes off', () => {
    const phone = Date.now()
    learnServerTime(new Date(phone - 240_000).toUTCString(), phone - 100, phone + 100)
    expect(Math.abs(now() - (phone - 240_000))).toBeLessThanOrEqual(1000)
    learnServerTime(new Date(phone).toUTCString(), phone, phone)
    expect(Math.abs(now() - phone)).toBeLessThanOrEqual(1000)
  })
  test('does not follow noise or nonsense', () => {
    const before = now()
    learnServerTime(undefined, 0, 0)
    learnServerTime('yesterday', 0, 0)
    learnServerTime(new Date(Date.now()).toUTCString(), Date.now(), Date.now() + 400)
    expect(now()).toBe(before)
  })
})
