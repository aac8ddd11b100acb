import { describe, expect, test } from 'vitest'
import type { Photo } from '../../services/births'
import { clientError, errorFromAnswer } from '../apiError'
import { keepPhoto, sendPhoto, unsentPhoto } from '../unsentPhotos'

describe('a photo of which nobody knows whether it arrived', () => {
  test('is sent again under the same key, and forgotten once it has arrived', async () => {
    const sent: Photo[] = []
    const photo = keepPhoto('F', 'marriage', 'QQ==')
    const lost = sendPhoto('F', 'marriage', (one) => {
      sent.push(one)
      return Promise.reject(clientError('TIMEOUT'))
    })
    await expect(lost).rejects.toThrow()
    expect(unsentPhoto('F', 'marriage')).toEqual(photo)
    expect(unsentPhoto('F', 'household_book')).toBeUndefined()
    await sendPhoto('F', 'marriage', (one) => Promise.resolve(sent.push(one)))
    expect(sent).toEqual([photo, photo])
    expect(unsentPhoto('F', 'marriage')).toBeUndefined()
    await sendPhoto('F', 'marriage', (one) => Promise.resolve(sent.push(one)))
    expect(sent.length).toBe(2)
  })
  test('is not kept when it was looked at and refused, and another one has another key', async () => {
    const first = keepPhoto('F', 'marriage', 'QQ==')
    const refused = sendPhoto('F', 'marriage', () => Promise.reject(errorFromAnswer(422, { error: { code: 'MATERIAL_UNFIT' } })))
    await expect(refused).rejects.toThrow()
    expect(unsentPhoto('F', 'marriage')).toBeUndefined()
    expect(keepPhoto('F', 'marriage', 'QQ==').key).not.toBe(first.key)
  })
})
