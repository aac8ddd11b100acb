// The picture itself, on the web.
import type { PictureProps } from './picture'

export function Picture({ src, label }: PictureProps) {
  return <img className="qr__image" src={src} alt={label} />
}
