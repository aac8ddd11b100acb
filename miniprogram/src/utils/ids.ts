// Random identifiers for requests and intents; unguessable where the platform can, unique everywhere.

const HEX = '0123456789abcdef'

function randomBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(count)
  const source = typeof crypto === 'undefined' ? undefined : crypto
  if (source && typeof source.getRandomValues === 'function') return source.getRandomValues(bytes)
  for (let i = 0; i < count; i += 1) bytes[i] = Math.floor(Math.random() * 256)
  return bytes
}

/** 32 hexadecimal digits: the time in front, so that ids sort, then randomness. */
export function newId(): string {
  const time = Date.now().toString(16).padStart(12, '0')
  let random = ''
  for (const byte of randomBytes(10)) random += HEX.charAt(byte >> 4) + HEX.charAt(byte & 15)
  return time + random
}
