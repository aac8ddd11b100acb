import { beforeEach, describe, expect, test } from 'vitest'
import { sampleTokens } from '../../testing/samples'
import { dropDraft, findDraft, keepDraft } from '../draft'
import { clearSession, saveTokens } from '../session'

beforeEach(() => {
  saveTokens(sampleTokens('1'))
})

describe('what was typed and not sent yet', () => {
  test('is found again until it is sent', () => {
    expect(findDraft('birth.F')).toBeNull()
    keepDraft('birth.F', { child_name: '陈小满' })
    expect(findDraft('birth.F')).toEqual({ child_name: '陈小满' })
    dropDraft('birth.F')
    expect(findDraft('birth.F')).toBeNull()
  })
  test('is nobody else’s: signing out forgets it', () => {
    keepDraft('birth.F', { child_name: '陈小满' })
    clearSession()
    expect(findDraft('birth.F')).toBeNull()
  })
})
