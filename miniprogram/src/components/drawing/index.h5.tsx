// A drawing of our own (SVG) or a picture from the city, on the web.
import type { DrawingProps } from './index'
import './index.scss'

export function Drawing({ src, label, className = '' }: DrawingProps) {
  return <img className={`drawing ${className}`} src={src} alt={label} />
}
