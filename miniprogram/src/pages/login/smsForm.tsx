// Signing in with a code by SMS.
import { View } from '@tarojs/components'
import { Button } from '../../components/button'
import { SmsCodeFields, useSmsCode } from '../../components/smsCode'
import { FormError } from '../../components/states'
import { useSubmit } from '../../hooks/useSubmit'
import { login as t } from '../../texts'

interface SmsFormProps {
  /** Checks consent first; the form goes on only when it is given. */
  withConsent: (action: () => void) => void
  onSubmit: (phone: string, code: string) => Promise<void>
}

export function SmsForm({ withConsent, onSubmit }: SmsFormProps) {
  const sms = useSmsCode()
  const submitting = useSubmit()
  const submit = (): void => {
    if (!sms.check()) return
    withConsent(() => {
      void submitting.run(() => onSubmit(sms.phone, sms.code))
    })
  }
  return (
    <View className="login__form">
      <SmsCodeFields sms={sms} onEnter={submit} name="login" />
      <FormError error={submitting.error} />
      <Button text={t.submit} busy={submitting.busy} onPress={submit} testId="login-submit" />
    </View>
  )
}
