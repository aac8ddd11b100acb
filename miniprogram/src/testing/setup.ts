// Taro itself cannot run outside a phone or a browser: tests meet this stand-in (see fakeTaro.ts).
import { beforeEach, vi } from 'vitest'
import { fakeTaro, resetFakeTaro } from './fakeTaro'

vi.mock('@tarojs/taro', () => ({ default: fakeTaro, ...fakeTaro }))

beforeEach(() => {
  resetFakeTaro()
})
