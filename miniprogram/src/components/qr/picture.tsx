// The picture itself, in the mini-program; a long press offers to save it.
import { Image } from '@tarojs/components'

export interface PictureProps {
  src: string
  label: string
}

export function Picture({ src, label }: PictureProps) {
  return <Image className="qr__image" src={src} mode="aspectFit" showMenuByLongpress ariaLabel={label} />
}
