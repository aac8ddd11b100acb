// Line icons in the colour of the text around them, as masks: one small style, no font, no picture files.
import { View } from '@tarojs/components'
import { shapes } from './shapes'
import './index.scss'

export type IconName = keyof typeof shapes

function mask(name: IconName): string {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#000" stroke-width="1.9"' +
    ` stroke-linecap="round" stroke-linejoin="round">${shapes[name]}</svg>`
  return `url("data:image/svg+xml,${encodeURIComponent(svg)}")`
}

export function Icon({ name, size = 24 }: { name: IconName; size?: number }) {
  const image = mask(name)
  const side = `calc(${String(size)}px * var(--z, 1))`
  return <View className="icon" style={{ width: side, height: side, maskImage: image, WebkitMaskImage: image }} aria-hidden />
}
