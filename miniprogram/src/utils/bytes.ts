// Bytes to and from text, without relying on what a mini-program's engine may lack.

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Bytes from hexadecimal text. */
export function fromHex(text: string): number[] {
  const bytes: number[] = []
  for (let i = 0; i + 1 < text.length; i += 2) bytes.push(Number.parseInt(text.slice(i, i + 2), 16))
  return bytes
}

/** Bytes from Base64 text, either alphabet, padding optional. */
export function fromBase64(text: string): number[] {
  const bytes: number[] = []
  let held = 0
  let bits = 0
  for (const char of text.replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')) {
    held = (held << 6) | BASE64URL.indexOf(char)
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes.push((held >> bits) & 255)
      held &= (1 << bits) - 1
    }
  }
  return bytes
}

/** The words of a file in UTF-8; null for one in anything else. */
export function readText(content: ArrayBuffer): string | null {
  const escaped = Array.from(new Uint8Array(content), (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  try {
    return decodeURIComponent(escaped).replace(/^\ufeff/, '')
  } catch {
    return null
  }
}
