// A QR code, drawn on the phone. A GIF is the one picture form that both targets show sharp without a canvas.
import { View } from '@tarojs/components'
import qrcode from 'qrcode-generator'
import { useMemo } from 'react'
import { Picture } from './picture'
import './index.scss'

interface QRProps {
  text: string
  /** What a screen reader says. */
  label: string
  size?: 'normal' | 'small'
  testId?: string
  /** Further `data-` attributes, for tests of the web app. */
  data?: Record<`data-${string}`, string>
}

const CELL = 8
const QUIET_ZONE = 4
const ALPHANUMERIC = /^[0-9A-Z $%*+\-./:]+$/

/** The code as a picture address; error correction M, four modules of margin. */
export function qrPicture(text: string): string {
  const qr = qrcode(0, 'M')
  qr.addData(text, ALPHANUMERIC.test(text) ? 'Alphanumeric' : 'Byte')
  qr.make()
  return qr.createDataURL(CELL, CELL * QUIET_ZONE)
}

export function QR({ text, label, size = 'normal', testId, data }: QRProps) {
  const picture = useMemo(() => qrPicture(text), [text])
  return (
    <View className={`qr qr--${size}`} data-testid={testId} {...data}>
      <Picture src={picture} label={label} />
    </View>
  )
}
