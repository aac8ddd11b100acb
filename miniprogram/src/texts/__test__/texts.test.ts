import { describe, expect, test } from 'vitest'
import * as births from '../births'
import { clientErrors, errorText, serverErrors } from '../errors'
import * as texts from '../index'
import * as records from '../records'
import * as referrals from '../referrals'

function wordsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (value && typeof value === 'object') return Object.values(value).flatMap(wordsOf)
  return []
}

describe('what the app says', () => {
  test('every error is a sentence that ends', () => {
    const open = [...Object.values(serverErrors), ...Object.values(clientErrors)].filter((text) => !text.endsWith('。'))
    expect(open).toEqual([])
  })
  test('a code nobody knows, without a message, still gets a sentence', () => {
    expect(errorText('SOMETHING_NEW')).toBe(clientErrors.UNEXPECTED)
  })
  test('punctuation is Chinese', () => {
    const wrong = [...wordsOf(texts), ...wordsOf(records), ...wordsOf(referrals), ...wordsOf(births)].filter((text) => /[一-鿿][,;:?!]/.test(text))
    expect(wrong).toEqual([])
  })
})
