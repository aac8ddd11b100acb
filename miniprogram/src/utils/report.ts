// How reports are shown: tags, the order of results, and a trend as a drawing. Pure.
import type { Tone } from '../components/tag'
import type { Flag, Report, ReportDocument, ReportItem, ReportLine, TrendPoint } from '../services/reports'
import { fileKindNames, flagNames, reportStateNames, reports as t } from '../texts/reports'
import { formatDate, cityDate } from './time'

export interface Label {
  text: string
  tone: Tone
}

const TONES: Record<Flag, Tone> = {
  normal: 'good', negative: 'good', low: 'wait', high: 'wait', abnormal: 'wait', positive: 'wait', very_low: 'bad', very_high: 'bad', unknown: 'calm',
}

const ARROWS: Partial<Record<Flag, string>> = { low: '↓ ', very_low: '↓↓ ', high: '↑ ', very_high: '↑↑ ' }

const NOTABLE: readonly Flag[] = ['low', 'high', 'very_low', 'very_high', 'abnormal', 'positive']

/** A flag as a word with an arrow: never by colour alone. Nothing where the hospital said nothing. */
export function flagLabel(item: Pick<ReportItem, 'flag' | 'critical'>): Label | null {
  if (item.critical) return { text: t.critical, tone: 'bad' }
  const name = flagNames[item.flag]
  return name ? { text: `${ARROWS[item.flag] ?? ''}${name}`, tone: TONES[item.flag] } : null
}

/** What a report in a list says at a glance. */
export function reportTags(report: ReportLine): Label[] {
  const tags: Label[] = []
  if (report.state !== 'final') tags.push({ text: reportStateNames[report.state], tone: report.state === 'corrected' ? 'info' : 'wait' })
  if (report.sensitive) tags.push({ text: t.sensitive, tone: 'calm' })
  if (report.notable > 0) tags.push({ text: t.notable(report.notable), tone: 'bad' })
  return tags
}

/** Results that want attention come first, in the hospital's order otherwise. */
export function inOrder(items: readonly ReportItem[]): ReportItem[] {
  const weight = (item: ReportItem): number => (item.critical ? 0 : NOTABLE.includes(item.flag) ? 1 : 2)
  return items.map((item, at) => ({ item, at })).sort((a, b) => weight(a.item) - weight(b.item) || a.at - b.at).map(({ item }) => item)
}

/** A document's extension by its type. */
export function extensionOf(contentType: string): string {
  const known: Record<string, string> = { 'application/pdf': 'pdf', 'image/jpeg': 'jpg', 'image/png': 'png', 'text/plain': 'txt', 'application/dicom': 'dcm' }
  return known[contentType] ?? 'bin'
}

/** What a file of a document is called: its title, its type, and how large it is where that is known. */
export function fileLabel({ title, content_type: kind, size }: ReportDocument): string {
  const about = [fileKindNames[extensionOf(kind)] ?? fileKindNames.bin, size === null ? '' : sizeText(size)].filter(Boolean)
  return `${title || t.document}（${about.join('，')}）`
}

function sizeText(bytes: number): string {
  return bytes < 1_000_000 ? `${String(Math.max(1, Math.round(bytes / 1000)))} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}

export function noteOf(report: Report): string | null {
  if (report.state === 'preliminary') return t.preliminaryNote
  return report.state === 'corrected' ? t.correctedNote : null
}

// --- the drawing ---

interface Frame {
  width: number
  height: number
  left: number
  right: number
  top: number
  bottom: number
}

interface Scale {
  x: (at: number) => number
  y: (value: number) => number
  low: number
  high: number
}

/** Round steps that a person can read: 1, 2 or 5 times a power of ten. */
export function ticksOf(low: number, high: number, most = 5): number[] {
  const rough = (high - low) / most || 1
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough) ?? rough
  const first = Math.ceil(low / step - 1e-9)
  const last = Math.floor(high / step + 1e-9)
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(8)))
}

function scaleOf(points: readonly TrendPoint[], frame: Frame): Scale {
  const ends = points.flatMap(({ value, low: from, high: to }) => [value, from, to]).filter((one): one is number => one !== null)
  const [least, most] = [Math.min(...ends), Math.max(...ends)]
  const room = (most - least || Math.abs(most) || 1) * 0.12
  const [low, high] = [least - room, most + room]
  const times = points.map(({ at }) => Date.parse(at))
  const [first, last] = [Math.min(...times), Math.max(...times)]
  const inner = frame.width - frame.left - frame.right
  const tall = frame.height - frame.top - frame.bottom
  return {
    low,
    high,
    x: (at) => (last === first ? frame.left + inner / 2 : frame.left + ((at - first) / (last - first)) * inner),
    y: (value) => frame.top + (1 - (value - low) / (high - low)) * tall,
  }
}

const two = (n: number): string => n.toFixed(1)
const escape = (text: string): string => text.replace(/[&<>"]/g, (sign) => `&#${String(sign.charCodeAt(0))};`)

/** The band of what was usual, each report's own, as steps from one point to the next. */
function band(points: readonly TrendPoint[], scale: Scale, frame: Frame): string {
  const known = points.filter(({ low, high }) => low !== null || high !== null)
  return known.map(({ at, low, high }, i) => {
    const before = known[i - 1]
    const after = known[i + 1]
    const here = scale.x(Date.parse(at))
    const left = before ? (scale.x(Date.parse(before.at)) + here) / 2 : frame.left
    const right = after ? (scale.x(Date.parse(after.at)) + here) / 2 : frame.width - frame.right
    const top = scale.y(high ?? scale.high)
    return `<rect x="${two(left)}" y="${two(top)}" width="${two(right - left)}" height="${two(scale.y(low ?? scale.low) - top)}" fill="#dfe8e4"/>`
  }).join('')
}

function marks(points: readonly TrendPoint[], scale: Scale): string {
  return points.map(({ at, value, flag }) => {
    const odd = NOTABLE.includes(flag)
    const [x, y] = [scale.x(Date.parse(at)), scale.y(value)]
    // Out of range is a diamond, not only another colour.
    return odd
      ? `<path d="M${two(x)} ${two(y - 7)}l7 7-7 7-7-7z" fill="#b42318"/>`
      : `<circle cx="${two(x)}" cy="${two(y)}" r="5.5" fill="#0b7a5e"/>`
  }).join('')
}

/** A trend as an SVG; `size` makes room for large letters. */
export function trendSvg(points: readonly TrendPoint[], size = 1): string {
  const letters = 13 * size
  const frame: Frame = { width: 340, height: 210 + 40 * (size - 1), left: 18 + 26 * size, right: 14, top: 12, bottom: letters + 14 }
  const scale = scaleOf(points, frame)
  const grid = ticksOf(scale.low, scale.high).map((value) =>
    `<path d="M${two(frame.left)} ${two(scale.y(value))}H${two(frame.width - frame.right)}" stroke="#c3cfca" stroke-width="0.8"/>` +
    `<text x="${two(frame.left - 6)}" y="${two(scale.y(value) + letters / 3)}" text-anchor="end">${escape(String(value))}</text>`).join('')
  const line = points.map(({ at, value }, i) => `${i ? 'L' : 'M'}${two(scale.x(Date.parse(at)))} ${two(scale.y(value))}`).join('')
  const ends = points.length > 1 ? [points[0], points[points.length - 1]] : [points[0]]
  const days = ends.map((point, i) => {
    if (!point) return ''
    const anchor = ends.length === 1 ? 'middle' : i ? 'end' : 'start'
    const x = ends.length === 1 ? scale.x(Date.parse(point.at)) : i ? frame.width - frame.right : frame.left
    return `<text x="${two(x)}" y="${two(frame.height - 4)}" text-anchor="${anchor}">${escape(formatDate(cityDate(point.at)))}</text>`
  }).join('')
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(frame.width)} ${two(frame.height)}" font-family="sans-serif" font-size="${two(letters)}" fill="#4a5a55">` +
    `${band(points, scale, frame)}${grid}<path d="${line}" fill="none" stroke="#0b7a5e" stroke-width="2"/>${marks(points, scale)}${days}</svg>`
  )
}
