// The slices of a series, and the steps of window and size. Pure.
import type { ImageSeries, Window } from '../services/reports'

/** One picture: an image, or one frame of it. */
export interface Slice {
  id: string
  frame: number
  center: number | null
  width: number | null
}

export function slicesOf(series: ImageSeries): Slice[] {
  return series.instances.flatMap(({ id, frames, center, width }) =>
    Array.from({ length: frames }, (_, i) => ({ id, frame: i + 1, center, width })))
}

/** The window after so many taps; none without taps, and none for pictures that come without a window. */
export function windowStep(slice: Slice, brightness: number, contrast: number): Window | undefined {
  if (brightness === 0 && contrast === 0) return undefined
  const width = slice.width ?? 400
  const center = slice.center ?? 40
  // Brighter means that lower values are white already.
  return { center: Math.round(center - (brightness * width) / 6), width: Math.max(1, Math.round(width * 0.75 ** contrast)) }
}

const ZOOMS = [1, 1.5, 2, 3, 4]

export function zoomStep(zoom: number, by: 1 | -1): number {
  const at = ZOOMS.indexOf(zoom)
  return ZOOMS[Math.min(ZOOMS.length - 1, Math.max(0, at + by))] ?? 1
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** A picture as an address. Our own base64: Taro's takes no ArrayBuffer on the web, and the mini-program has no btoa. */
export function jpegAddress(picture: ArrayBuffer): string {
  const bytes = new Uint8Array(picture)
  const parts: string[] = []
  for (let i = 0; i < bytes.length; i += 3) {
    const [a, b, c] = [bytes[i] ?? 0, bytes[i + 1] ?? 0, bytes[i + 2] ?? 0]
    const left = bytes.length - i
    const four = [a >> 2, ((a & 3) << 4) | (b >> 4), ((b & 15) << 2) | (c >> 6), c & 63].map((n) => DIGITS[n])
    parts.push(four.slice(0, Math.min(left, 3) + 1).join('').padEnd(4, '='))
  }
  return `data:image/jpeg;base64,${parts.join('')}`
}
