// Phone number and the code sent to it.
import { View } from '@tarojs/components'
import { useState } from 'react'
import { Button } from '../../components/button'
import { Field } from '../../components/field'
import { FormError } from '../../components/states'
import { useCountdown } from '../../hooks/useCountdown'
import { useSubmit } from '../../hooks/useSubmit'
import { sendSmsCode } from '../../services/auth'
import { login as t } from '../../texts'
import { now } from '../../utils/clock'
import { isPhone } from '../../utils/idNumber'
import { toast } from '../../utils/platform'

interface SmsFormProps {
  /** Checks consent first; the form goes on only when it is given. */
  withConsent: (action: () => void) => void
  onSubmit: (phone: string, code: string) => Promise<void>
}

const digits = (text: string): string => text.replace(/\D/g, '')

export function SmsForm({ withConsent, onSubmit }: SmsFormProps) {
  const [phone, setPhone] = useState('')
  const [code, setCode] = useState('')
  const [wrong, setWrong] = useState<{ phone?: string; code?: string }>({})
  const [resendAt, setResendAt] = useState<number | null>(null)
  const sending = useSubmit()
  const submitting = useSubmit()
  const wait = useCountdown(resendAt)

  const send = (): void => {
    if (!isPhone(phone)) {
      setWrong({ phone: t.phoneWrong })
      return
    }
    setWrong({})
    void sending.run(async () => {
      const { resend_after_s } = await sendSmsCode(phone)
      setResendAt(now() + resend_after_s * 1000)
      toast(t.codeSent)
    })
  }
  const submit = (): void => {
    const found = { phone: isPhone(phone) ? undefined : t.phoneWrong, code: /^\d{4,8}$/.test(code) ? undefined : t.codeWrong }
    setWrong(found)
    if (found.phone || found.code) return
    withConsent(() => {
      void submitting.run(() => onSubmit(phone, code))
    })
  }
  return (
    <View className="login__form">
      <Field
        label={t.phone} value={phone} keyboard="digits" maxLength={13} placeholder={t.phonePlaceholder} error={wrong.phone}
        onChange={(text) => {
          setPhone(digits(text).slice(0, 11))
        }}
        autoComplete="tel" testId="login-phone"
      />
      <Field
        label={t.code} value={code} keyboard="digits" maxLength={8} placeholder={t.codePlaceholder} error={wrong.code}
        onChange={(text) => {
          setCode(digits(text))
        }}
        onEnter={submit} autoComplete="one-time-code" testId="login-code"
        suffix={
          <Button
            kind="link" small busy={sending.busy} disabled={wait > 0} onPress={send} testId="login-send-code"
            text={wait > 0 ? t.resend(wait) : t.sendCode}
          />
        }
      />
      <FormError error={submitting.error ?? sending.error} />
      <Button text={t.submit} busy={submitting.busy} onPress={submit} testId="login-submit" />
    </View>
  )
}
