// What the phone does while a code is shown.
import { afterEach, describe, expect, test, vi } from 'vitest'
import { brighten } from '../platform'

afterEach(() => {
  vi.unstubAllGlobals()
})

describe('while a code is shown on the web', () => {
  test('the screen stays awake, and may sleep again afterwards', async () => {
    const held: string[] = []
    const release = (): Promise<void> => {
      held.pop()
      return Promise.resolve()
    }
    const request = (kind: string): Promise<{ release: () => Promise<void> }> => {
      held.push(kind)
      return Promise.resolve({ release })
    }
    vi.stubGlobal('navigator', { wakeLock: { request } })
    const undo = brighten()
    expect(held).toEqual(['screen'])
    undo()
    await vi.waitFor(() => {
      expect(held).toEqual([])
    })
  })
  test('a browser that knows nothing of it, or refuses, is left alone', async () => {
    vi.stubGlobal('navigator', {})
    brighten()()
    vi.stubGlobal('navigator', { wakeLock: { request: () => Promise.reject(new Error('NotAllowedError')) } })
    brighten()()
    await Promise.resolve()
  })
})
