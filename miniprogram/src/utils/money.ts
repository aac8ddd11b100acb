// Fen into yuan, by whole numbers only.

/** 1250 → "12.50"; whole yuan keep their two zeros so that columns line up. */
export function yuan(fen: number): string {
  const sign = fen < 0 ? '-' : ''
  const whole = Math.abs(Math.trunc(fen))
  return `${sign}${String(Math.floor(whole / 100))}.${String(whole % 100).padStart(2, '0')}`
}
