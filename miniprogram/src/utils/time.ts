// Times as people in the city read them: Asia/Shanghai, whatever zone the phone is set to.
// China has had one offset and no summer time since 1991, so a fixed shift is exact.
import { timeWords } from '../texts/time'
import { now } from './clock'

const SHANGHAI_MS = 8 * 3600_000
const DAY_MS = 24 * 3600_000

export interface CityTime {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  weekday: number
}

const two = (n: number): string => String(n).padStart(2, '0')

/** The city's wall clock at an instant (RFC 3339 text or milliseconds). */
export function cityTime(at: string | number): CityTime {
  const ms = typeof at === 'number' ? at : Date.parse(at)
  const shifted = new Date(ms + SHANGHAI_MS)
  return {
    year: shifted.getUTCFullYear(),
    month: shifted.getUTCMonth() + 1,
    day: shifted.getUTCDate(),
    hour: shifted.getUTCHours(),
    minute: shifted.getUTCMinutes(),
    weekday: shifted.getUTCDay(),
  }
}

/** The civil date `YYYY-MM-DD` of an instant in the city. */
export function cityDate(at: string | number = now()): string {
  const t = cityTime(at)
  return `${String(t.year)}-${two(t.month)}-${two(t.day)}`
}

/** `days` after a civil date. */
export function addDays(on: string, days: number): string {
  return new Date(Date.parse(`${on}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10)
}

/** Whole days from today (in the city) to a civil date. */
export function daysFromToday(on: string): number {
  return Math.round((Date.parse(`${on}T00:00:00Z`) - Date.parse(`${cityDate()}T00:00:00Z`)) / DAY_MS)
}

/** 08:05 */
export function formatTime(at: string | number): string {
  const t = cityTime(at)
  return `${two(t.hour)}:${two(t.minute)}`
}

/** 08:00–08:10 */
export function formatTimes(start: string, end: string): string {
  return `${formatTime(start)}–${formatTime(end)}`
}

/** The weekday of a civil date. */
export function formatWeekday(on: string): string {
  return timeWords.weekdays[new Date(`${on}T00:00:00Z`).getUTCDay()] ?? ''
}

/** Today, tomorrow, the day after, or nothing. */
export function formatNearDay(on: string): string {
  return timeWords.nearDays[daysFromToday(on)] ?? ''
}

/** Month and day, with the year when it is not this one. */
export function formatDate(on: string): string {
  const [year, month, day] = on.split('-').map(Number) as [number, number, number]
  const thisYear = cityTime(now()).year
  return timeWords.date(year === thisYear ? null : year, month, day)
}

/** Date with its weekday, and "tomorrow" where that says it better. */
export function formatDay(on: string): string {
  const near = formatNearDay(on)
  return `${formatDate(on)} ${near || formatWeekday(on)}`
}

/** The day on which a visit begins. A night's session goes on after midnight, and then it is not the session's day. */
export function formatVisitDay(startAt: string): string {
  return formatDay(cityDate(startAt))
}

/** "Next day" for what begins after the midnight of the session's day; else nothing. */
export function formatAfterMidnight(on: string, startAt: string): string {
  return cityDate(startAt) > on ? timeWords.nextDay : ''
}

/** Date and time of an instant. */
export function formatInstant(at: string): string {
  return `${formatDate(cityDate(at))} ${formatTime(at)}`
}

/** Of an entry that may have but a day: such a day begins at midnight, and no hour is made up for it. */
export function formatMoment(at: string): string {
  return formatTime(at) === '00:00' ? formatDate(cityDate(at)) : formatInstant(at)
}

/** 4:05 left on a countdown. */
export function formatCountdown(seconds: number): string {
  const left = Math.max(0, Math.ceil(seconds))
  const minutes = Math.floor(left / 60)
  return timeWords.left(minutes, minutes > 0 ? two(left % 60) : String(left))
}
