import { describe, expect, test } from 'vitest'
import { base45 } from '../base45'
import { fromBase64, fromHex } from '../bytes'
import { isDeviceValid, offlineCode, secondsLeftInStep, stepAt } from '../offlineCode'

const ascii = (text: string): number[] => Array.from(text, (char) => char.charCodeAt(0))

const device = {
  pseudo_id: '0011223344556677',
  secret: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
  step_s: 30,
  valid_until: '2026-01-01T16:00:00Z',
}

describe('Base45', () => {
  test.each([['AB', 'BB8'], ['Hello!!', '%69 VD92EX0'], ['base-45', 'UJCLQE7W581'], ['ietf!', 'QED8WEX0'], ['', '']])(
    'writes %j as RFC 9285 does', (bytes, text) => {
      expect(base45(ascii(bytes))).toBe(text)
    })
})

describe('bytes', () => {
  test('hexadecimal is read pair by pair', () => {
    expect(fromHex('00ff10')).toEqual([0, 255, 16])
  })
  test.each([['AAEC', [0, 1, 2]], ['AAECAw==', [0, 1, 2, 3]], ['-_8', [251, 255]], ['+/8=', [251, 255]]])(
    'Base64 %s is read in either alphabet', (text, bytes) => {
      expect(fromBase64(text)).toEqual(bytes)
    })
})

describe('the code a phone makes by itself', () => {
  // Made by the server's own function (backend/healthcodes/codes.py, make_phone_code) with the same secret.
  test.each([
    [1767225600, 'E2:H00PE4XS8-.C/J0WXRP156FKSJ4WRT7DK*30'],
    [1767225659, 'E2:H00PE4XS8-.C/J0XXR80GZ5O*9T7.42RNL-1'],
    [2000000017, 'E2:H00PE4XS8-.CRM0+78M4EK6K9*LU5WJ7FI+O'],
  ])('is the one the server expects at %i', (unix, text) => {
    expect(offlineCode(device, unix * 1000)).toBe(text)
  })
  test('stays the same through a step and changes with the next', () => {
    const start = 1767225600_000
    expect(offlineCode(device, start + 29_999)).toBe(offlineCode(device, start))
    expect(offlineCode(device, start + 30_000)).not.toBe(offlineCode(device, start))
    expect(stepAt(device, start + 30_000)).toBe(stepAt(device, start) + 1)
    expect(secondsLeftInStep(device, start + 12_000)).toBe(18)
  })
  test('does not wear out its secret', () => {
    const before = { ...device }
    offlineCode(device, 0)
    expect(device).toEqual(before)
  })
  test('a device past its time is not used', () => {
    expect(isDeviceValid(device, Date.parse('2026-01-01T15:59:59Z'))).toBe(true)
    expect(isDeviceValid(device, Date.parse('2026-01-01T16:00:00Z'))).toBe(false)
  })
})
