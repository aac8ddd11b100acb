// What can be measured at home, and what a living body can have. Pure; the city checks the same.
import type { MeasurementKind } from '../services/record'

export interface Bounds {
  least: number
  most: number
  unit: string
  placeholder: string
}

/** One entry for each value; blood pressure has two. */
export const bounds: Record<MeasurementKind, readonly Bounds[]> = {
  blood_pressure: [
    { least: 50, most: 300, unit: 'mmHg', placeholder: '120' },
    { least: 20, most: 200, unit: 'mmHg', placeholder: '80' },
  ],
  glucose: [{ least: 1, most: 50, unit: 'mmol/L', placeholder: '5.6' }],
  weight: [{ least: 0.5, most: 400, unit: 'kg', placeholder: '60' }],
  temperature: [{ least: 30, most: 45, unit: '℃', placeholder: '36.5' }],
}

/** The number that was typed, full-width points and all; undefined for anything else. */
export function readNumber(text: string): number | undefined {
  const plain = text.trim().replace(/[。．，,]/g, '.').replace(/[０-９]/g, (digit) => String.fromCharCode(digit.charCodeAt(0) - 0xfee0))
  return /^\d{1,4}(\.\d{1,2})?$/.test(plain) ? Number(plain) : undefined
}

/** Which of the texts is no possible value, by its place; none when all are. */
export function wrongOf(kind: MeasurementKind, texts: readonly string[]): number[] {
  const wrong = bounds[kind].flatMap(({ least, most }, i) => {
    const value = readNumber(texts[i] ?? '')
    return value !== undefined && value >= least && value <= most ? [] : [i]
  })
  const [upper, lower] = texts.map(readNumber)
  if (wrong.length === 0 && kind === 'blood_pressure' && (upper ?? 0) <= (lower ?? 0)) return [1]
  return wrong
}
