// WeChat's own button that asks for the phone number; only the mini-program has it.
import { Button } from '@tarojs/components'
import '../button/index.scss'
import './index.scss'

export interface PhoneButtonProps {
  text: string
  onCode: (phoneCode: string) => void
  onRefused: () => void
}

export function PhoneButton({ text, onCode, onRefused }: PhoneButtonProps) {
  return (
    <Button
      className="phone-button button button--strong"
      openType="getPhoneNumber"
      onGetPhoneNumber={(event) => {
        const { code } = event.detail as { code?: string }
        if (code) onCode(code)
        else onRefused()
      }}
    >
      {text}
    </Button>
  )
}
