// A drawing of our own (SVG) or a picture from the city, in the mini-program.
import { Image } from '@tarojs/components'
import './index.scss'

export interface DrawingProps {
  src: string
  label: string
  className?: string
}

export function Drawing({ src, label, className = '' }: DrawingProps) {
  return <Image className={`drawing ${className}`} src={src} mode="widthFix" ariaLabel={label} />
}
