// The resident's ID number (GB 11643), checked on the phone so that a slip is seen at once.

const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
const CHECK = '10X98765432'

/** Upper case, without the blanks people type to read it better. */
export function tidyIdNumber(text: string): string {
  return text.replace(/\s/g, '').toUpperCase()
}

function isDate(digits: string): boolean {
  const iso = `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6, 8)}`
  const parsed = new Date(`${iso}T00:00:00Z`)
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(iso)
}

/** Whether the check character and the birth date of an 18-character number are right. */
export function isIdNumber(text: string): boolean {
  if (!/^[1-9]\d{16}[\dX]$/.test(text)) return false
  const sum = WEIGHTS.reduce((total, weight, i) => total + weight * Number(text.charAt(i)), 0)
  return CHECK.charAt(sum % 11) === text.charAt(17) && isDate(text.slice(6, 14))
}

/** Whether these may be the last four characters of an ID number. */
export function isLastFour(text: string): boolean {
  return /^\d{3}[\dX]$/.test(text)
}

/** Whether this looks like a mobile number of the mainland. */
export function isPhone(text: string): boolean {
  return /^1[3-9]\d{9}$/.test(text)
}

/** A masked number with few stars: a long row of them breaks the line and says nothing more. */
export function shortMask(masked: string): string {
  return masked.replace(/\*{5,}/, '****')
}
