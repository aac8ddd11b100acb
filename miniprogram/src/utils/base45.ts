// Base45 (RFC 9285): bytes in the alphabet that keeps a QR code in its compact alphanumeric mode.

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:'

/** The Base45 text of some bytes: two bytes become three characters, a last single one two. */
export function base45(bytes: ArrayLike<number>): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 2) {
    const first = bytes[i] ?? 0
    const second = bytes[i + 1]
    const value = second === undefined ? first : first * 256 + second
    text += ALPHABET.charAt(value % 45) + ALPHABET.charAt(Math.floor(value / 45) % 45)
    if (second !== undefined) text += ALPHABET.charAt(Math.floor(value / 2025))
  }
  return text
}
