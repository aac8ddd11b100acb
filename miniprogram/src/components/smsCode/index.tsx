// A phone number and the code sent to it: for signing in, and for changing the number.
import { useState } from 'react'
import { useCountdown } from '../../hooks/useCountdown'
import { useSubmit } from '../../hooks/useSubmit'
import { sendSmsCode } from '../../services/auth'
import { login as t } from '../../texts'
import { now } from '../../utils/clock'
import { isPhone } from '../../utils/idNumber'
import { Button } from '../button'
import { Field } from '../field'
import { FormError } from '../states'

const digits = (text: string): string => text.replace(/\D/g, '')

export interface SmsCode {
  phone: string
  code: string
  wrong: { phone?: string | undefined; code?: string | undefined }
  setPhone: (text: string) => void
  setCode: (text: string) => void
  /** Whether both look right; what does not is said under its field. */
  check: () => boolean
  complain: (wrong: { phone?: string }) => void
}

export function useSmsCode(): SmsCode {
  const [phone, setPhone] = useState('')
  const [code, setCode] = useState('')
  const [wrong, setWrong] = useState<SmsCode['wrong']>({})
  return {
    phone, code, wrong,
    setPhone: (text) => {
      setPhone(digits(text).slice(0, 11))
    },
    setCode: (text) => {
      setCode(digits(text).slice(0, 6))
    },
    check: () => {
      const found = { phone: isPhone(phone) ? undefined : t.phoneWrong, code: code.length === 6 ? undefined : t.codeWrong }
      setWrong(found)
      return !found.phone && !found.code
    },
    complain: setWrong,
  }
}

interface SmsCodeFieldsProps {
  sms: SmsCode
  phoneLabel?: string
  onEnter: () => void
  /** Has the code sent: one for signing in, unless said otherwise. */
  send?: (phone: string) => Promise<{ resend_after_s: number }>
  /** In front of the test ids: `login-phone`, `login-send-code`, `login-code`. */
  name: string
}

export function SmsCodeFields({ sms, phoneLabel = t.phone, send: sendCode = sendSmsCode, onEnter, name }: SmsCodeFieldsProps) {
  const [resendAt, setResendAt] = useState<number | null>(null)
  const sending = useSubmit()
  const wait = useCountdown(resendAt)
  const send = (): void => {
    sms.complain(isPhone(sms.phone) ? {} : { phone: t.phoneWrong })
    if (!isPhone(sms.phone)) return
    void sending.run(async () => {
      const { resend_after_s } = await sendCode(sms.phone)
      setResendAt(now() + resend_after_s * 1000)
    })
  }
  return (
    <>
      <Field
        label={phoneLabel} value={sms.phone} keyboard="digits" maxLength={13} placeholder={t.phonePlaceholder}
        error={sms.wrong.phone} onChange={sms.setPhone} autoComplete="tel" testId={`${name}-phone`}
      />
      <Field
        label={t.code} value={sms.code} keyboard="digits" maxLength={8} placeholder={t.codePlaceholder} error={sms.wrong.code}
        onChange={sms.setCode} hint={wait > 0 ? t.codeSent : ''} onEnter={onEnter} autoComplete="one-time-code" testId={`${name}-code`}
        suffix={
          <Button
            kind="link" small busy={sending.busy} disabled={wait > 0} onPress={send} testId={`${name}-send-code`}
            text={wait > 0 ? t.resend(wait) : t.sendCode}
          />
        }
      />
      <FormError error={sending.error} />
    </>
  )
}
